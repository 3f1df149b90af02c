//! `sharevar doctor`: each trap is arranged, and found.
//!
//! Most are arranged in a mount namespace: the files of the kernel and of the system in which a trap
//! shows are others there.

mod support;

use serde_json::{Value as Json, json};
use sharevar::Result;
use sharevar_os::LockedByte;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::holder::{Holder, own_name, play};

const SHAREVAR: &str = env!("CARGO_BIN_EXE_sharevar");

/// The parts that programs play. As a test of its own it does nothing.
#[test]
fn plays_its_part() -> Result<()> {
    play(|part, manager, wait| {
        if part == "stands in the gate" {
            let entry = entry_of(&in_the_gate(manager.name().unwrap()));
            let entry = File::create_new(entry).unwrap();
            let gate = LockedByte::lock(entry.as_fd(), GATE).unwrap().expect("it is free");
            let _gate = gate.keep_from_children().unwrap();
            drop(entry);
            wait();
            return Ok(());
        }
        let till = manager.named("till").lock()?;
        let _held = till.lock()?;
        wait();
        Ok(())
    })
}

/// The byte of a name's file that is locked by a process which opens or removes the manager
/// (docs/named-managers.md).
const GATE: u64 = 4096;

/// The name in whose gate the program stands that holds the manager of another one.
fn in_the_gate(name: &str) -> String {
    format!("{name}-gate")
}

fn entry_of(name: &str) -> PathBuf {
    PathBuf::from(format!("/dev/shm/sharevar-{}/{name}", user()))
}

/// The exit code and the findings of `doctor`, run by a shell after `prepared`, which may hide the folder that
/// the program is in.
fn doctor_after(shell: &mut Command, prepared: &str) -> (Option<i32>, Vec<Json>) {
    let script = format!("set -e; exec 9< '{SHAREVAR}'; {prepared}\n exec /proc/self/fd/9 doctor --json");
    let ended = shell.args(["sh", "-c", &script]).stdin(Stdio::null()).output().unwrap();
    let output = String::from_utf8(ended.stdout).unwrap();
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(errors, "", "{prepared}");
    let findings = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (ended.status.code(), findings)
}

fn doctor(prepared: &str) -> (Option<i32>, Vec<Json>) {
    doctor_after(&mut Command::new("env"), prepared)
}

fn user() -> u32 {
    std::fs::metadata("/proc/self").unwrap().uid()
}

/// A command that runs another one in a mount namespace, in which it may mount.
fn in_own_mounts(further: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.arg("--mount").args(further);
    if user() != 0 {
        command.args(["--map-current-user", "--keep-caps"]);
    }
    command
}

/// The findings in a mount namespace; `/tmp` is free for the files that `prepared` makes.
fn apart(prepared: &str) -> (Option<i32>, Vec<Json>) {
    let mounts = "mount -t tmpfs tmpfs /tmp; mount -t tmpfs tmpfs /dev/shm";
    doctor_after(&mut in_own_mounts(&["--ipc"]), &format!("{mounts}; {prepared}"))
}

fn of<'a>(findings: &'a [Json], subject: &str) -> Vec<&'a Json> {
    findings.iter().filter(|finding| finding["subject"] == subject).collect()
}

/// The text of the one problem with `subject`, which the exit code tells, too.
fn problem((code, findings): &(Option<i32>, Vec<Json>), subject: &str) -> String {
    assert_eq!(*code, Some(3));
    let bad: Vec<_> = of(findings, subject).into_iter().filter(|finding| finding["ok"] == false).collect();
    assert_eq!(bad.len(), 1, "{findings:?}");
    bad[0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn a_machine_without_traps_is_told_to_be_well() {
    let (code, findings) = apart("ulimit -n 256; ulimit -v unlimited");
    for subject in ["kernel", "children", "directory", "address space", "descriptors", "segments", "cleaners"]
    {
        assert_eq!(of(&findings, subject)[0]["ok"], json!(true), "{findings:?}");
    }
    assert_eq!(code, Some(0), "{findings:?}");
}

#[test]
fn limits_of_the_process_are_found() {
    let found = apart("ulimit -n 64; ulimit -v 2000000");
    assert!(problem(&found, "address space").contains("ulimit -v"));
    assert!(problem(&found, "descriptors").contains("ulimit -n"));
}

#[test]
fn an_old_kernel_is_found() {
    // The kernel tells this program that it is another one.
    let found = doctor_after(Command::new("setarch").args([std::env::consts::ARCH, "--uname-2.6"]), ":");
    let text = problem(&found, "kernel");
    assert!(text.starts_with("2.6.") && text.contains("older than 5.15"), "{text}");
}

/// Has the kernel answer each `madvise` by `errno`, or by success if that is 0, and leave it undone.
fn leave_advice_undone(errno: i32) -> io::Result<()> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut program = [
        step(LOAD, 0, 0, 0),
        step(IF_EQUAL, 1, 0, libc::SYS_madvise as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program lives until the calls return, and they write no memory.
    let refused = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) != 0
    };
    if refused { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[test]
fn an_emulator_that_leaves_advice_undone_is_found() {
    for (errno, said) in [(0, "under QEMU"), (libc::EINVAL, "allow it")] {
        let mut shell = Command::new("env");
        // SAFETY: between fork and exec it makes system calls, and takes no lock.
        unsafe { shell.pre_exec(move || leave_advice_undone(errno)) };
        let text = problem(&doctor_after(&mut shell, ":"), "children");
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn limits_of_the_kernel_are_found() {
    // It counts pages, which are not of the same size on all machines.
    let pages = ((8 << 20) / rustix::param::page_size()).to_string();
    for (file, value, subject, said) in [
        ("/proc/sys/kernel/shmmax", "33554432", "segments", "kernel.shmmax allows 32.0 MiB"),
        ("/proc/sys/kernel/shmall", pages.as_str(), "segments", "kernel.shmall allows 8.0 MiB"),
        ("/proc/sys/kernel/shmmni", "0", "segments", "raise kernel.shmmni"),
        ("/proc/sys/kernel/shm_rmid_forced", "1", "lifetime", "no manager can be kept"),
        ("/proc/sys/vm/overcommit_memory", "2", "memory", "set it to 0"),
    ] {
        let found = apart(&format!("echo {value} > /tmp/value; mount --bind /tmp/value {file}"));
        let text = problem(&found, subject);
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn the_memory_limit_of_a_container_is_found() {
    let both = "mkdir /sys/fs/cgroup/memory; echo 67108864 > $c/memory.max; echo 50000000 > $c/memory.current; \
                cp $c/memory.max $c/memory/memory.limit_in_bytes; \
                cp $c/memory.current $c/memory/memory.usage_in_bytes";
    let found = apart(&format!("c=/sys/fs/cgroup; mount -t tmpfs tmpfs $c; {both}"));
    let text = problem(&found, "memory");
    assert!(text.contains("of the 64.0 MiB of this group") && text.contains("memory.max"), "{text}");
}

#[test]
fn a_container_without_the_directory_is_found() {
    let text = problem(&apart("mount -o remount,ro /dev/shm"), "directory");
    assert!(text.contains("/dev/shm/sharevar-") && text.contains("writable tmpfs"), "{text}");
    let text = problem(&apart("mkdir -m 777 /dev/shm/sharevar-$(id -u)"), "directory");
    assert!(text.contains("other users may use it"), "{text}");
}

#[test]
fn a_rule_that_empties_the_directory_is_found() {
    let rules = "mount -t tmpfs tmpfs /run; mkdir /run/tmpfiles.d; cd /run/tmpfiles.d; \
                 echo 'e /dev/shm - - - 1d' > age.conf";
    let text = problem(&apart(rules), "cleaners");
    assert!(text.contains("/run/tmpfiles.d/age.conf") && text.contains("x /dev/shm/sharevar-"), "{text}");
    let (_, findings) = apart(&format!("{rules}; echo 'x /dev/shm/sharevar-*' > sharevar.conf"));
    assert_eq!(of(&findings, "cleaners")[0]["ok"], json!(true));
}

#[test]
fn files_of_killed_processes_are_found() {
    let (code, findings) = apart("d=/dev/shm/sharevar-$(id -u); mkdir -m 700 $d; touch $d/shop $d/bank");
    let left = of(&findings, "left files")[0];
    assert!(left["text"].as_str().unwrap().starts_with("2 files are left"), "{left}");
    assert_eq!(code, Some(0));
    let linked = "d=/dev/shm/sharevar-$(id -u); mkdir -m 700 $d; ln -s /etc/passwd $d/shop";
    assert!(problem(&apart(linked), "manager shop").contains("no file of this user"));
}

/// Looks until the manager has a problem.
fn problem_of(name: &str) -> String {
    let end = Instant::now() + Duration::from_secs(50);
    loop {
        let found = doctor(":");
        let subject = format!("manager {name}");
        if of(&found.1, &subject).iter().any(|finding| finding["ok"] == false) {
            return problem(&found, &subject);
        }
        assert!(Instant::now() < end, "no problem is found");
    }
}

fn signal(holder: &Holder, signal: &str) {
    assert!(Command::new("kill").args([signal, &holder.id().to_string()]).status().unwrap().success());
}

#[test]
fn stopped_processes_and_their_locks_are_found() {
    let name = own_name("stopped");
    let holder = Holder::start("holds", &name);
    assert!(of(&doctor(":").1, &format!("manager {name}")).is_empty());
    signal(&holder, "-STOP");
    // It stops soon after the signal.
    let text = problem_of(&name);
    assert!(text.contains(&format!("process {} is stopped and holds \"till\"", holder.id())), "{text}");
    signal(&holder, "-CONT");
}

#[test]
fn a_stopped_process_in_the_gate_of_a_name_is_found() {
    let name = own_name("gate");
    let held = in_the_gate(&name);
    let holder = Holder::start("stands in the gate", &name);
    // One that runs is through in a moment.
    assert!(of(&doctor(":").1, &format!("manager {held}")).is_empty());
    signal(&holder, "-STOP");
    let text = problem_of(&held);
    let (process, remedy) = (holder.id(), format!("kill -CONT {}", holder.id()));
    assert!(text.contains(&format!("process {process} is stopped while it opens")), "{text}");
    assert!(text.contains(&remedy), "{text}");
    signal(&holder, "-CONT");
    drop(holder);
    std::fs::remove_file(entry_of(&held)).unwrap();
}

#[test]
fn an_emptied_directory_is_found() {
    let name = own_name("emptied");
    let _holder = Holder::start("holds", &name);
    std::fs::remove_file(entry_of(&name)).unwrap();
    let text = problem_of(&name);
    assert!(text.contains("a cleaner empties that directory"), "{text}");
}

#[test]
fn two_places_of_one_name_are_found() {
    let name = own_name("elsewhere");
    let _holder = Holder::start_by(&mut in_own_mounts(&["--ipc"]), "holds", &name);
    let text = problem_of(&name);
    assert!(text.contains("in another IPC namespace"), "{text}");
    let name = own_name("apart");
    let script = "mount -t tmpfs tmpfs /dev/shm; exec \"$0\" \"$@\"";
    let _apart = Holder::start_by(in_own_mounts(&[]).args(["sh", "-c", script]), "holds", &name);
    let text = problem_of(&name);
    assert!(text.contains("has its file in another /dev/shm"), "{text}");
}

#[test]
fn a_manager_of_another_layout_is_found() {
    let name = own_name("layout");
    let _holder = Holder::start("holds", &name);
    support::layout::change(&name);
    let text = problem_of(&name);
    assert!(text.contains("use the same version of sharevar"), "{text}");
}
