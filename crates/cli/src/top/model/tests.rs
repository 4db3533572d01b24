use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use svckit_core::kind::ServiceType;
use svckit_core::native::{EventId, HostState, Level, NamedHostState, Phase, ProgramExit};
use svckit_core::status::ServiceStatus;
use svckit_core::usage::Usage;
use svckit_core::win32::Win32Error;

use super::*;
use crate::top::sort::Column;
use crate::top::view::{self, Painter};

const NOW: WallTime = WallTime(1_000_000);

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn service(text: &str, state: ServiceState, host: Option<HostState>) -> ServiceView {
    let status = ServiceStatus {
        state,
        pid: if state == ServiceState::STOPPED { 0 } else { 70 },
        ..ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS)
    };
    let host = host.map(|state| NamedHostState { service: name(text), state, start_error: None });
    ServiceView { service: name(text), display_name: format!("The {text}"), status, host }
}

fn overview(services: Vec<ServiceView>, gone: &[&str], complete: bool) -> Overview {
    Overview { revision: 1, complete, services, gone: gone.iter().map(|text| name(text)).collect() }
}

fn usage(text: &str, cpu_ms: u64, memory: u64) -> ServiceUsage {
    let program = Some(Usage { cpu: Duration::from_millis(cpu_ms), memory, processes: 2 });
    let host = Some(Usage { cpu: Duration::from_millis(10), memory: 1 << 20, processes: 1 });
    ServiceUsage { service: name(text), program, host }
}

/// A service that runs, one in back-off and one that has stopped.
fn three() -> Model {
    let web = HostState { child_pid: Some(71), ready: true, phase: Phase::Running, ..HostState::default() };
    let queue = HostState {
        phase: Phase::Backoff,
        restarts: 2,
        last_exit: Some(ProgramExit { code: Some(3), signal: None, at: NOW }),
        next_retry_at: Some(WallTime(NOW.0 + 5000)),
        ..HostState::default()
    };
    let mut model = Model::new("embedded:/state".to_owned(), &[], false);
    let services = vec![
        service("web", ServiceState::RUNNING, Some(web)),
        service("queue", ServiceState::RUNNING, Some(queue)),
        service("batch", ServiceState::STOPPED, Some(HostState::default())),
    ];
    model.overview(overview(services, &[], true));
    model.usage(1000, vec![usage("web", 400, 48 << 20)]);
    model.usage(3000, vec![usage("web", 900, 50 << 20)]);
    model
}

fn press(model: &mut Model, keys: &str) -> Option<Errand> {
    let mut errand = None;
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\x1b' => KeyCode::Esc,
            '\x08' => KeyCode::Backspace,
            key => KeyCode::Char(key),
        };
        errand = model.key(KeyEvent::new(code, KeyModifiers::NONE));
    }
    errand
}

fn draw(model: &Model, width: u16, height: u16, colour: bool) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(&mut buffer, model, NOW, Painter { colour });
    buffer
}

fn picture(model: &Model, width: u16, height: u16) -> Vec<String> {
    let buffer = draw(model, width, height, false);
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| line(y).trim_end().to_owned()).collect()
}

fn names(model: &Model) -> Vec<&str> {
    model.shown().iter().map(|row| row.service.as_str()).collect()
}

#[test]
fn the_table() {
    let expected = [
        "svc top  3 services, 2 active, 1 in trouble  embedded:/state",
        "NAME   STATE          READY     CPU%    MEMORY   RESTARTS   RETRY      PID  DETAIL",
        "batch  STOPPED",
        "queue  RUNNING                                          2     5 s           the program exited with\u{2026}",
        "web    RUNNING        yes       25.0    50.0 M                          71",
        "",
        "? help  s start  S stop  r restart  l logs  e events  d details  / filter  < > sort  q quit",
    ];
    assert_eq!(picture(&three(), 100, 7), expected);
}

#[test]
fn a_narrow_screen_has_less() {
    let expected =
        ["svc top  3 services, 2 a", "NAME   STATE", "batch  STOPPED", "queue  RUNNING", "web    RUNNING"];
    assert_eq!(picture(&three(), 24, 6)[..5], expected);
    for (width, height) in [(1, 1), (2, 2), (3, 3), (5, 9), (300, 1), (40, 60), (0, 0)] {
        for keys in ["", "?", "d", "l", "e", "/x", "S"] {
            let mut model = three();
            press(&mut model, keys);
            draw(&model, width, height, true);
        }
    }
}

#[test]
fn colours_tell_states_and_are_left_out_where_they_are_not_wanted() {
    let states = |colour| {
        let buffer = draw(&three(), 96, 7, colour);
        [2, 3, 4].map(|y| buffer[(7, y)].fg)
    };
    assert_eq!(states(true), [Color::Reset, Color::Green, Color::Green]);
    assert_eq!(states(false), [Color::Reset; 3]);
    let buffer = draw(&three(), 96, 7, false);
    assert!(buffer[(0, 2)].modifier.contains(Modifier::REVERSED), "the selected one is seen all the same");
}

#[test]
fn details_of_a_service() {
    let mut model = three();
    press(&mut model, "Gd");
    let picture = picture(&model, 90, 24);
    assert_eq!(picture[12], " web  [details]  logs   events");
    for line in [
        "display name  The web",
        "process       71",
        "uses          50.0 M, 0.9 s of processor time, 2 processes",
        "host          process 70",
        "host uses     1.0 M, 0.0 s of processor time, 1 process",
    ] {
        assert!(picture.iter().any(|shown| shown == line), "{line} in {picture:#?}");
    }
    press(&mut model, "k");
    assert!(self::picture(&model, 90, 24).iter().any(|line| line == "runs again    in 5 s"));
}

#[test]
fn logs_and_events_are_of_the_selected_service() {
    let mut model = three();
    assert_eq!(model.following(), None);
    press(&mut model, "jl");
    assert_eq!(model.following(), Some((name("queue"), Pane::Logs)));
    model.lines.add(b"first\nsecond\n");
    let shown = picture(&model, 60, 14);
    assert_eq!(shown[7..10], [" queue   details  [logs]  events", "first", "second"]);
    press(&mut model, "\t");
    assert_eq!(model.following(), Some((name("queue"), Pane::Events)));
    model.forget_followed();
    model.happened(vec![Event {
        sequence: 1,
        time: WallTime(0),
        id: EventId::STATE,
        level: Level::Warning,
        service: Some(name("queue")),
        message: "it did".to_owned(),
    }]);
    assert_eq!(picture(&model, 60, 14)[8], "1970-01-01 00:00:00Z warning it did");
    press(&mut model, "\x1b");
    assert_eq!(model.following(), None);
}

#[test]
fn stop_and_restart_are_asked_about() {
    for (key, deed) in [("S", Deed::Stop), ("r", Deed::Restart)] {
        let mut model = three();
        assert_eq!(press(&mut model, "j"), None);
        assert_eq!(press(&mut model, key), None);
        let question = picture(&model, 60, 8).pop().unwrap();
        assert_eq!(question, format!("{} queue? (y/n)", deed.verb()));
        // Whatever happens meanwhile, it is that service.
        model.overview(overview(vec![service("archive", ServiceState::RUNNING, None)], &["queue"], false));
        assert_eq!(press(&mut model, "y"), Some(Errand::Do(deed, name("queue"))));
        press(&mut model, key);
        assert_eq!(press(&mut model, "\n"), None, "only y is yes");
        assert_eq!(model.prompt, Prompt::None);
    }
    assert_eq!(press(&mut three(), "s"), Some(Errand::Do(Deed::Start, name("batch"))));
}

#[test]
fn read_only_orders_nothing() {
    let mut model = Model::new(String::new(), &[], true);
    model.overview(overview(vec![service("web", ServiceState::STOPPED, None)], &[], true));
    for key in ["s", "S", "r", "y"] {
        assert_eq!(press(&mut model, key), None);
        assert_eq!(model.prompt, Prompt::None);
    }
}

#[test]
fn the_filter_looks_at_both_names() {
    let mut model = three();
    press(&mut model, "/WEx\x08");
    assert_eq!(names(&model), ["web"]);
    assert_eq!(picture(&model, 60, 8).pop().unwrap(), "/WE");
    press(&mut model, "\n");
    assert_eq!(press(&mut model, "s"), Some(Errand::Do(Deed::Start, name("web"))));
    press(&mut model, "/zzz\n");
    assert_eq!(names(&model), Vec::<&str>::new());
    assert_eq!(press(&mut model, "S"), None);
    assert_eq!(picture(&model, 60, 8)[2], "no service matches");
    press(&mut model, "\x1b");
    assert_eq!(names(&model).len(), 3);
    press(&mut model, "/the q");
    assert_eq!(names(&model), ["queue"]);
}

#[test]
fn every_column_has_an_order() {
    let mut model = three();
    let mut orders = Vec::new();
    for _ in 0..8 {
        orders.push((model.order.column, names(&model).join(" ")));
        press(&mut model, ">");
    }
    let (batch, queue, web) = ("batch queue web", "queue batch web", "web batch queue");
    let expected = [
        (Column::Name, batch),
        (Column::State, "queue web batch"),
        (Column::Ready, web),
        (Column::Cpu, web),
        (Column::Memory, web),
        (Column::Restarts, queue),
        (Column::Retry, queue),
        (Column::Pid, web),
    ];
    assert_eq!(orders, expected.map(|(column, order)| (column, order.to_owned())));
    assert_eq!(model.order.column, Column::Name);
    press(&mut model, "<<");
    assert_eq!(model.order.column, Column::Retry);
    press(&mut model, "i");
    assert_eq!(names(&model).last(), Some(&"queue"));
    assert!(picture(&model, 96, 7)[1].contains("-RETRY"));
}

#[test]
fn the_selection_stays_with_its_service() {
    let mut model = three();
    press(&mut model, "jj");
    assert_eq!(model.selected_service(), Some(name("web")));
    press(&mut model, "jj>>>");
    assert_eq!(model.selected_service(), Some(name("web")));
    model.overview(overview(Vec::new(), &["web"], false));
    assert_eq!(model.selected_service(), Some(name("batch")));
    model.page = 1;
    model.key(KeyEvent::new(KeyCode::PageDown, KeyModifiers::NONE));
    assert_eq!(model.selected_service(), Some(name("queue")));
}

#[test]
fn pages_have_the_selected_one_in_them() {
    let mut model = Model::new(String::new(), &[], false);
    let many = (0..100).map(|number| service(&format!("s{number:02}"), ServiceState::RUNNING, None));
    model.overview(overview(many.collect(), &[], true));
    model.page = view::page(Rect::new(0, 0, 80, 13), &model);
    assert_eq!(model.page, 10);
    for (key, first) in [(KeyCode::PageDown, "s10"), (KeyCode::End, "s90"), (KeyCode::Home, "s00")] {
        model.key(KeyEvent::new(key, KeyModifiers::NONE));
        let shown = picture(&model, 80, 13);
        assert!(shown[2].starts_with(first), "{shown:#?}");
        assert_eq!(shown.len(), 13);
    }
}

#[test]
fn use_of_the_processor_is_between_two_samples() {
    let mut model = three();
    let cpu = |model: &Model| model.rows["WEB"].cpu;
    assert_eq!(cpu(&model), Some(25.0));
    model.usage(4000, vec![usage("web", 100, 1)]);
    assert_eq!(cpu(&model), None, "it is another program");
    model.usage(5000, vec![usage("web", 100, 1)]);
    assert_eq!(cpu(&model), Some(0.0));
    model.lost("it is gone".to_owned());
    assert_eq!(cpu(&model), None);
    model.usage(9000, vec![usage("web", 200, 1)]);
    assert_eq!(cpu(&model), None, "nothing to compare with");
}

#[test]
fn without_a_connection_the_last_picture_stays_and_the_clock_stops() {
    let mut model = three();
    assert!(model.needs_clock());
    press(&mut model, "l");
    model.lost("cannot connect".to_owned());
    assert!(!model.needs_clock());
    assert_eq!(model.following(), None);
    let shown = picture(&model, 60, 6);
    assert_eq!(shown[0], "svc top  NOT CONNECTED: cannot connect");
    model.overview(overview(vec![service("web", ServiceState::STOPPED, None)], &[], true));
    assert_eq!(names(&model), ["web"]);
    assert_eq!(model.following(), Some((name("web"), Pane::Logs)));
    assert!(!model.needs_clock(), "nothing runs");
}

#[test]
fn names_do_nothing_to_the_terminal() {
    let mut model = Model::new("a\x1b[2J".to_owned(), &[], false);
    let mut evil = service("web", ServiceState::RUNNING, None);
    evil.display_name = "x\x1b[31m".to_owned();
    model.overview(overview(vec![evil], &[], true));
    model.complain("b\x07");
    press(&mut model, "d");
    model.complain("b\x07");
    assert!(picture(&model, 80, 20).iter().all(|line| !line.contains(char::is_control)));
}
