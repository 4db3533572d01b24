//! Whether a service is ready to serve: running says less, since a program that was run again may not answer yet.

use crate::native::{HostState, Phase, ServiceView};
use crate::status::{ServiceState, ServiceStatus};
use crate::win32::Win32Error;

/// What a look at a service says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It runs, and its host, if it has one, says that the program is ready.
    Ready,
    /// It may become ready, and this is what it waits for.
    NotYet(&'static str),
    /// It has stopped: nothing is on the way that would make it ready.
    Over,
}

impl Readiness {
    /// Judges what is told of a service.
    ///
    /// One that was not started in this session may still be, by the service control manager itself; one that has stopped, or gave up, needs somebody.
    pub fn of(view: &ServiceView) -> Self {
        match (&view.status, view.host.as_ref().map(|host| &host.state)) {
            (ServiceStatus { state: ServiceState::STOPPED, win32_exit_code, .. }, _) => {
                match *win32_exit_code {
                    Win32Error::SERVICE_NEVER_STARTED => Self::NotYet("it was not started yet"),
                    _ => Self::Over,
                }
            }
            (
                ServiceStatus { state: ServiceState::RUNNING, .. },
                None | Some(HostState { ready: true, .. }),
            ) => Self::Ready,
            (ServiceStatus { state: ServiceState::RUNNING, .. }, Some(host)) => match host.phase {
                Phase::Backoff => Self::NotYet("its program has ended and is run again later"),
                _ => Self::NotYet("its program runs, but is not ready"),
            },
            (ServiceStatus { state: ServiceState::START_PENDING, .. }, _) => Self::NotYet("it is starting"),
            (ServiceStatus { state: ServiceState::STOP_PENDING, .. }, _) => Self::NotYet("it is stopping"),
            _ => Self::NotYet("it is paused, or on its way there or back"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::ServiceType;
    use crate::name::ServiceName;
    use crate::native::NamedHostState;

    fn view(state: ServiceState, code: Win32Error, host: Option<(Phase, bool)>) -> ServiceView {
        let service = ServiceName::new("web").unwrap();
        let stopped = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, code);
        let host = host.map(|(phase, ready)| NamedHostState {
            service: service.clone(),
            state: HostState { phase, ready, ..HostState::default() },
            start_error: None,
        });
        ServiceView {
            service,
            display_name: "web".to_owned(),
            status: ServiceStatus { state, ..stopped },
            host,
        }
    }

    #[test]
    fn a_service_is_ready_when_it_runs_and_its_host_says_so() {
        use Readiness::{NotYet, Over, Ready};
        let fine = Win32Error::SUCCESS;
        let ends = |wanted: Readiness, end: &str| matches!(wanted, NotYet(why) if why.ends_with(end));
        let cases = [
            (view(ServiceState::RUNNING, fine, None), Ready),
            (view(ServiceState::RUNNING, fine, Some((Phase::Running, true))), Ready),
            (view(ServiceState::STOPPED, fine, Some((Phase::Stopped, false))), Over),
            (view(ServiceState::STOPPED, Win32Error::PROCESS_ABORTED, None), Over),
            (
                view(ServiceState::STOPPED, Win32Error::SERVICE_SPECIFIC_ERROR, Some((Phase::GaveUp, false))),
                Over,
            ),
        ];
        for (view, wanted) in cases {
            assert_eq!(Readiness::of(&view), wanted, "{view:?}");
        }
        let cases = [
            (view(ServiceState::RUNNING, fine, Some((Phase::Running, false))), "is not ready"),
            (view(ServiceState::RUNNING, fine, Some((Phase::Backoff, false))), "run again later"),
            (view(ServiceState::STOPPED, Win32Error::SERVICE_NEVER_STARTED, None), "not started yet"),
            (view(ServiceState::START_PENDING, fine, Some((Phase::Starting, true))), "starting"),
            (view(ServiceState::STOP_PENDING, fine, Some((Phase::Stopping, true))), "stopping"),
            (view(ServiceState::PAUSED, fine, Some((Phase::Paused, true))), "back"),
            (view(ServiceState(99), fine, None), "back"),
        ];
        for (view, end) in cases {
            assert!(ends(Readiness::of(&view), end), "{view:?}: {:?}", Readiness::of(&view));
        }
    }
}
