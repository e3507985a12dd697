//! No core is written of the gateway: its memory holds what passes, and secrets.

/// Counts until the process ends; a server that it starts may write one as before on Linux, where this is not inherited by another program.
///
/// A limit alone would not do on Linux: a program that takes cores over a pipe gets them whatever the limit is (core(5)). What can be
/// neither dumped nor traced by who is not root can also not be read through `/proc`.
pub(super) fn forbid() {
    #[cfg(target_os = "linux")]
    let forbidden = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    #[cfg(not(target_os = "linux"))]
    let forbidden = {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let maximum = getrlimit(Resource::Core).maximum;
        setrlimit(
            Resource::Core,
            Rlimit {
                current: Some(0),
                maximum,
            },
        )
    };
    if let Err(error) = forbidden {
        tracing::warn!(%error, "a crash may write a core: it would hold what passes at that moment");
    }
}
