//! A job of mpirun: its ranks, their processes, and how it ends.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::sandbox::{Said, Sandbox};

/// No job of the tests takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Some ranks that run the same program with the same arguments.
pub struct Ranks<'a> {
    pub count: usize,
    pub program: &'a Path,
    pub arguments: &'a str,
}

impl<'a> Ranks<'a> {
    pub fn new(count: usize, arguments: &'a str) -> Self {
        Self {
            count,
            program: Path::new(env!("CARGO_BIN_EXE_rieszflow")),
            arguments,
        }
    }
}

/// A job that runs in a sandbox.
pub struct Job(Child);

impl Job {
    /// Starts the ranks, in their order.
    pub fn start(sandbox: &Sandbox, ranks: &[Ranks<'_>]) -> Self {
        let mut command = Command::new("mpirun");
        command
            .args([
                "--allow-run-as-root",
                "--oversubscribe",
                "--bind-to",
                "none",
            ])
            .current_dir(sandbox.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (index, ranks) in ranks.iter().enumerate() {
            if index > 0 {
                command.arg(":");
            }
            command.args(["-n", &ranks.count.to_string()]);
            command.arg(ranks.program);
            command.args(ranks.arguments.split_whitespace());
        }
        Self(command.spawn().expect("mpirun starts"))
    }

    /// The process of a rank, once it runs.
    pub fn process_of(&self, rank: usize) -> Option<u32> {
        let wanted = format!("OMPI_COMM_WORLD_RANK={rank}");
        let processes = fs::read_dir("/proc").expect("processes");
        let mut processes = processes.filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.parse().ok()
        });
        processes.find(|process: &u32| {
            let of = |file: &str| fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
            let (status, environment) = (of("status"), of("environ"));
            let parent = format!("PPid:\t{}\n", self.0.id());
            String::from_utf8_lossy(&status).contains(&parent)
                && environment
                    .split(|byte| *byte == 0)
                    .any(|v| v == wanted.as_bytes())
        })
    }

    /// Sends a signal to a rank.
    pub fn signal(&self, rank: usize, name: &str) {
        if let Some(process) = self.process_of(rank) {
            signal(process, name);
        }
    }

    /// Sends a signal to mpirun.
    pub fn signal_launcher(&self, name: &str) {
        signal(self.0.id(), name);
    }

    /// Waits for a file that the job writes; `false` if the job ends before.
    pub fn wait_for(&mut self, file: &Path) -> bool {
        self.wait_until(|| file.exists())
    }

    /// Waits until the job has locked the folder of its run: all ranks are connected then, and the run has
    /// begun. `false` if the job ends before.
    pub fn wait_for_run(&mut self, folder: &Path) -> bool {
        self.wait_until(|| {
            let locks = fs::read_to_string("/proc/locks").expect("the locks");
            let number = fs::metadata(folder).map(|folder| format!(":{} ", folder.ino()));
            number.is_ok_and(|number| locks.contains(&number))
        })
    }

    fn wait_until(&mut self, happens: impl Fn() -> bool) -> bool {
        while !happens() {
            if self.is_over() {
                return false;
            }
            sleep(Duration::from_millis(2));
        }
        true
    }

    pub fn is_over(&mut self) -> bool {
        self.0.try_wait().expect("a process").is_some()
    }

    /// How the job has ended, within `limit`.
    #[track_caller]
    pub fn ended_within(mut self, limit: Duration) -> Said {
        let since = Instant::now();
        while !self.is_over() {
            if since.elapsed() > limit {
                self.0.kill().expect("a process");
                panic!("the job goes on");
            }
            sleep(Duration::from_millis(5));
        }
        self.0.wait_with_output().expect("a process").into()
    }

    #[track_caller]
    pub fn ended(self) -> Said {
        self.ended_within(PATIENCE)
    }
}

/// Runs the program with the same arguments on this number of ranks; all goes well.
#[track_caller]
pub fn run(sandbox: &Sandbox, count: usize, arguments: &str) -> Said {
    let said = Job::start(sandbox, &[Ranks::new(count, arguments)]).ended();
    assert_eq!(said.status, Some(0), "{said:#?}");
    said
}

fn signal(process: u32, name: &str) {
    let mut kill = Command::new("kill");
    // The process may have ended by itself.
    let _ = kill
        .args([&format!("-{name}"), &process.to_string()])
        .stderr(Stdio::null())
        .status();
}
