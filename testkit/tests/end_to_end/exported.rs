//! What `svc export` prints makes the same service elsewhere.

use serde_json::Value;
use svckit_testkit::binary;
use svckit_testkit::svc::Svc;

/// Everything that `svc show` says but for what is different each time: states, processes, and where the definition came from.
pub(crate) fn shown(svc: &Svc, service: &str) -> Value {
    let mut shown = svc.json(&["show", service]);
    for key in ["state", "pid", "host", "win32_exit_code", "controls_accepted"] {
        shown[key] = Value::Null;
    }
    shown["definition"]["source"] = Value::Null;
    for log in ["stdout", "stderr"] {
        let file = shown["definition"]["log"][log]["file"].as_str().unwrap();
        shown["definition"]["log"][log] = file.replace(svc.folder().to_str().unwrap(), "").into();
    }
    shown
}

#[test]
fn an_export_makes_the_same_services_on_an_empty_service_control_manager() {
    let svc = Svc::new();
    let text = format!(
        "[service.shop]\nrun = [{:?}, 'program=run', \"a 'b' \\\"c\\\"\"]\ndisplay-name = 'The shop'\ndescription = \"It\\nsells\"\n\
         start = 'delayed'\ndepends-on = ['db', '+Data']\nenvironment = {{ ZMANAGED = '1', PATH = '/bin:/usr/bin' }}\nprocess = 'share'\n\
         restart = {{ delay = '1s', exit-codes = {{ 3 = 'fail' }} }}\nstop.ladder = [{{ ctrl-c = '1s' }}]\n\
         controls = {{ 200 = 'signal:USR1' }}\nrecovery.actions = [{{ restart = '1m' }}]\nwindows.preshutdown = '1m'\n\
         [service.db]\nrun = 'sleep 1000'\nstart = 'auto'\nlog = {{ rotate = {{ size = '10MB' }}, keep = {{ count = 2 }} }}\n\
         windows = {{ group = 'Data', tag = true, error-control = 'severe', privileges = ['SeBackupPrivilege'] }}\n",
        binary::scripted()
    );
    let file = svc.write("service.toml", &text);
    svc.ok(&["install", file.to_str().unwrap()]);
    let exported = svc.ok(&["export"]);
    let other = Svc::new();
    let file = other.write("exported.toml", &exported);
    other.ok(&["install", file.to_str().unwrap()]);
    assert_eq!(other.ok(&["export"]), exported);
    for service in ["shop", "db"] {
        assert_eq!(shown(&svc, service), shown(&other, service), "{exported}");
    }
    // It says all: nothing is to be changed where it came from.
    let update = svc.json(&["update", other.folder().join("exported.toml").to_str().unwrap()]);
    assert_eq!(update.as_array().unwrap().len(), 2);
    assert_eq!(svc.ok(&["export"]), exported);
}
