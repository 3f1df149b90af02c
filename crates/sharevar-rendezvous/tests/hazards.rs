//! Named arenas on machines whose administrator or other programs interfere.
//!
//! Each hazard that the design names, and the test that shows what comes of it:
//!
//! | hazard | shown by |
//! |---|---|
//! | two places for one name: a private /dev/shm, a chroot | `two_places_of_one_name_lead_to_one_arena`; doctor's `two_places_of_one_name_are_found` |
//! | two containers that share nothing | no process can know: `those_who_share_nothing_have_two_arenas`; docs/surroundings.md |
//! | the directory is wiped under the living | `a_wiped_directory_hides_nothing`, `deaths.rs`, `storm.rs` |
//! | ... and what shows that they live is out of reach | it is a segment, which no wipe reaches: `an_arena_is_joined_by_those_who_have_no_descriptor_left`, and `witnesses.rs` of the arena |
//! | one directory, and another IPC namespace | `another_ipc_namespace_replaces_nothing_that_is_in_use` |
//! | root starts a run whose workers drop root | `family.rs`: another user is an error; `each_user_has_names_of_its_own` |
//! | squatting, symlinks, pipes, hard links, what others may write to | `a_place_that_others_could_change_is_refused`, `an_entry_that_is_no_plain_file_of_ours_is_refused` |
//! | the gate's holder is stopped | `a_stopped_process_inside_the_gate_is_waited_for_and_named` |
//! | the gate's holder is killed with much memory | `a_large_process_that_is_killed_inside_the_gate_is_waited_for` |
//! | a clone that no hook sees, inside the gate | `a_child_behind_the_back_keeps_no_gate` |
//! | a full tmpfs | `a_full_tmpfs_holds_no_record_and_nothing_up` |
//! | no tmpfs, or one that is read only | `without_a_tmpfs_there_is_no_place` |
//! | `ipcrm`, of a used segment and of a kept one | `an_administrator_that_removes_segments_takes_nothing_from_those_who_use_them` |
//! | a number is used again, a record is old | `a_record_that_is_wrong_is_not_believed` |
//! | a segment that is half made | `half_made_segments_are_swept_and_others_are_left_alone`, `deaths.rs` |
//! | another layout | `another_layout_is_refused_and_can_be_removed` |
//! | logind's RemoveIPC | `a_logout_takes_the_directory_and_what_is_kept_without_a_process`; doctor's `logind.rs` |
//! | strict overcommit, and other limits of the kernel | `the_limits_of_segments_are_kept_or_named`; doctor's `limits_of_the_kernel_are_found` |
//! | a security module keeps the memory from this process | `a_segment_that_the_kernel_refuses_is_not_replaced`, with the kernel's answer and without the module |
//! | Yama | it restricts tracing, which nothing here needs; docs/surroundings.md |
#![allow(unsafe_code)]

mod support;

use sharevar_arena::{NamedHeader, SegmentArena, close_segment};
use sharevar_os::{Access, LockedByte, Mapping, memory_segment};
use sharevar_rendezvous::{
    Creation, EntryState, Error, Lifetime, Name, Opened, Place, gate_holders, list, open, open_for_reading,
    remove, survey, sweep,
};
use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};
use support::arenas::{EMPTY, KEEP, OwnPlace, WHILE_USED, attach, fill, living, open_or_make, own_name};
use support::children::{Child, alone, leave_namespaces, pause, signalled_at};

fn id(opened: &Opened) -> [u64; 2] {
    opened.participant.arena_id()
}

fn number(name: &Name) -> u32 {
    let found = living(name);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].number
}

fn keep(place: &Place, name: &Name) -> Opened {
    open(place, name, Some(&KEEP), EMPTY, fill).unwrap()
}

/// Moves this process behind a mount of its own at `path`.
fn mount_tmpfs(path: &str, options: &std::ffi::CStr) {
    leave_namespaces(libc::CLONE_NEWNS);
    let path = std::ffi::CString::new(path).unwrap();
    let (kind, none) = (c"tmpfs".as_ptr(), std::ptr::null());
    // SAFETY: the strings end in zero and live until the calls return.
    unsafe {
        let flags = libc::MS_REC | libc::MS_PRIVATE;
        assert_eq!(libc::mount(none, c"/".as_ptr(), none, flags, none.cast()), 0);
        assert_eq!(libc::mount(kind, path.as_ptr(), kind, 0, options.as_ptr().cast()), 0);
    }
}

#[test]
fn two_places_of_one_name_lead_to_one_arena() {
    alone(|| {
        let (one, other, name) = (OwnPlace::new("one"), OwnPlace::new("other"), own_name("places"));
        let first = open_or_make(&one.place, &name).unwrap();
        let second = open_or_make(&other.place, &name).unwrap();
        assert_eq!((id(&second), second.is_new), (id(&first), false));
        assert_eq!(id(&attach(&other.place, &name).unwrap()), id(&first));
    });
}

#[test]
fn a_wiped_directory_hides_nothing() {
    alone(|| {
        let (own, name) = (OwnPlace::new("wiped"), own_name("wiped"));
        let held = open_or_make(&own.place, &name).unwrap();
        own.wipe();
        let again = attach(&own.place, &name).unwrap();
        assert_eq!(id(&again), id(&held));
        assert!(own.path_of(&name).exists(), "its entry is made anew");
        fs::remove_file(own.path_of(&name)).unwrap();
        assert_eq!(id(&open_or_make(&own.place, &name).unwrap()), id(&held));
        drop((held, again));
        assert!(matches!(attach(&own.place, &name), Err(Error::NoSuchManager { .. })));
        assert!(!own.path_of(&name).exists());
    });
}

#[test]
fn a_record_that_is_wrong_is_not_believed() {
    alone(|| {
        let (own, name, other) = (OwnPlace::new("record"), own_name("record"), own_name("other"));
        let held = open_or_make(&own.place, &name).unwrap();
        let _other = open_or_make(&own.place, &other).unwrap();
        let right = fs::read(own.path_of(&name)).unwrap();
        // That of another arena: a number that is used again.
        for wrong in [fs::read(own.path_of(&other)).unwrap(), vec![0xff; 64], vec![1], Vec::new()] {
            fs::write(own.path_of(&name), &wrong).unwrap();
            assert_eq!(id(&attach(&own.place, &name).unwrap()), id(&held), "{wrong:?}");
            assert_eq!(&fs::read(own.path_of(&name)).unwrap()[..right.len()], right);
        }
    });
}

#[test]
fn another_ipc_namespace_replaces_nothing_that_is_in_use() {
    alone(|| {
        let (own, name, kept) = (OwnPlace::new("namespace"), own_name("namespace"), own_name("kept"));
        let held = open_or_make(&own.place, &name).unwrap();
        drop(keep(&own.place, &kept));
        let elsewhere = |body: &dyn Fn()| {
            Child::fork(|| {
                leave_namespaces(libc::CLONE_NEWIPC);
                body();
            })
            .ended_well();
        };
        elsewhere(&|| {
            for name in [&name, &kept] {
                for refused in [
                    open_or_make(&own.place, name).map(drop),
                    attach(&own.place, name).map(drop),
                    remove(&own.place, name),
                ] {
                    assert!(matches!(refused, Err(Error::NameUnreachable { .. })), "{refused:?}");
                }
            }
        });
        assert_eq!(id(&attach(&own.place, &name).unwrap()), id(&held));
        // A child that was forked shows presence as it has the memory.
        let mut child = Child::fork(|| pause());
        drop(held);
        elsewhere(&|| {
            let refused = open_or_make(&own.place, &name);
            assert!(matches!(refused, Err(Error::NameUnreachable { .. })), "{refused:?}");
        });
        child.signal(libc::SIGKILL);
        child.wait(0);
        elsewhere(&|| assert!(open_or_make(&own.place, &name).unwrap().is_new));
        remove(&own.place, &kept).unwrap();
    });
}

#[test]
fn those_who_share_nothing_have_two_arenas() {
    alone(|| {
        let (own, name) = (OwnPlace::new("one"), own_name("nothing"));
        let held = open_or_make(&own.place, &name).unwrap();
        Child::fork(|| {
            leave_namespaces(libc::CLONE_NEWIPC);
            mount_tmpfs("/dev/shm", c"size=64k");
            let own = OwnPlace::new("other");
            let other = open_or_make(&own.place, &name).unwrap();
            assert!(other.is_new && id(&other) != id(&held));
        })
        .ended_well();
        assert_eq!(living(&name).len(), 1);
    });
}

/// Has the kernel refuse a segment to this process, as a security module does.
fn deny_segment(number: u32) {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    // The number of the call, and its first argument, in `struct seccomp_data`.
    let mut program = [
        step(LOAD, 0, 0, 0),
        step(IF_EQUAL, 1, 0, libc::SYS_shmat as u32),
        step(IF_EQUAL, 0, 2, libc::SYS_shmctl as u32),
        step(LOAD, 0, 0, 16),
        step(IF_EQUAL, 1, 0, number),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EACCES as u32),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program lives until the calls return, and they write no memory.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

#[test]
fn a_segment_that_the_kernel_refuses_is_not_replaced() {
    alone(|| {
        let (own, name, kept) = (OwnPlace::new("denied"), own_name("denied"), own_name("denied-kept"));
        let held = open_or_make(&own.place, &name).unwrap();
        drop(keep(&own.place, &kept));
        for name in [&name, &kept] {
            let denied = number(name);
            Child::fork(|| {
                deny_segment(denied);
                assert!(memory_segment::is_denied(denied));
                for refused in [open_or_make(&own.place, name).map(drop), attach(&own.place, name).map(drop)]
                {
                    assert!(matches!(refused, Err(Error::NameUnreachable { .. })), "{refused:?}");
                }
            })
            .ended_well();
            assert_eq!(number(name), denied, "it is the only one still");
        }
        assert_eq!(id(&attach(&own.place, &name).unwrap()), id(&held));
        remove(&own.place, &kept).unwrap();
    });
}

#[test]
fn a_place_that_others_could_change_is_refused() {
    alone(|| {
        let (own, name) = (OwnPlace::new("unsafe"), own_name("unsafe"));
        let path = own.place.path();
        let refused = || {
            let refused = open_or_make(&own.place, &name).unwrap_err();
            assert!(matches!(&refused, Error::PlaceUnsafe { path: at, .. } if at == path), "{refused:?}");
            refused.to_string()
        };
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(refused().contains("mode 770"));
        fs::remove_dir(path).unwrap();
        fs::write(path, "").unwrap();
        refused();
        fs::remove_file(path).unwrap();
        symlink("/dev/shm", path).unwrap();
        refused();
        fs::remove_file(path).unwrap();
        let on_disk = Place::at("/proc/self");
        assert!(matches!(
            open_or_make(&on_disk, &name),
            Err(Error::PlaceUnsafe { .. } | Error::NoPlace { .. })
        ));
        // SAFETY: no memory is involved.
        if unsafe { libc::geteuid() } == 0 {
            fs::create_dir(path).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
            std::os::unix::fs::chown(path, Some(12_345), None).unwrap();
            assert!(refused().contains("12345"));
        }
    });
}

#[test]
fn an_entry_that_is_no_plain_file_of_ours_is_refused() {
    alone(|| {
        let (own, name, other) = (OwnPlace::new("entry"), own_name("entry"), own_name("other-entry"));
        let _held = open_or_make(&own.place, &other).unwrap();
        let path = own.path_of(&name);
        let refused = || {
            let refused = open_or_make(&own.place, &name).unwrap_err();
            assert!(matches!(&refused, Error::PlaceUnsafe { path: at, .. } if *at == path), "{refused:?}");
        };
        symlink(own.path_of(&other), &path).unwrap();
        refused();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        refused();
        fs::remove_dir(&path).unwrap();
        fs::hard_link(own.path_of(&other), &path).unwrap();
        refused();
        fs::remove_file(&path).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
        refused();
        fs::remove_file(&path).unwrap();
        assert!(open_or_make(&own.place, &name).unwrap().is_new);
    });
}

#[test]
fn without_a_tmpfs_there_is_no_place() {
    alone(|| {
        let name = own_name("nowhere");
        let nowhere = Place::at("/dev/shm/sharevar-test-missing/nowhere");
        let refused = open_or_make(&nowhere, &name).unwrap_err();
        assert!(matches!(refused, Error::NoPlace { cause: rustix::io::Errno::NOENT, .. }), "{refused:?}");
        assert!(matches!(attach(&nowhere, &name), Err(Error::NoSuchManager { .. })));
        mount_tmpfs("/dev/shm", c"ro");
        let refused = open_or_make(&OwnPlace::new("read-only").place, &name).unwrap_err();
        assert!(matches!(refused, Error::NoPlace { cause: rustix::io::Errno::ROFS, .. }), "{refused:?}");
    });
}

#[test]
fn a_full_tmpfs_holds_no_record_and_nothing_up() {
    alone(|| {
        mount_tmpfs("/dev/shm", c"size=64k");
        let (own, name) = (OwnPlace::new("full"), own_name("full"));
        assert!(fs::write("/dev/shm/filling", vec![1; 1 << 20]).is_err());
        let held = open_or_make(&own.place, &name).unwrap();
        assert_eq!(fs::metadata(own.path_of(&name)).unwrap().len(), 0, "there is no record");
        assert_eq!(id(&open_or_make(&own.place, &name).unwrap()), id(&held));
        assert_eq!(id(&attach(&own.place, &name).unwrap()), id(&held));
    });
}

/// Stands inside the gate: this step comes after it was entered.
const INSIDE: u64 = 4;

#[test]
fn a_stopped_process_inside_the_gate_is_waited_for_and_named() {
    alone(|| {
        let (own, name) = (OwnPlace::new("stopped"), own_name("stopped"));
        let held = open_or_make(&own.place, &name).unwrap();
        let mut stopped = Child::fork(|| {
            let again = signalled_at(INSIDE, libc::SIGSTOP, || attach(&own.place, &name).unwrap());
            assert_eq!(id(&again), id(&held));
        });
        assert!(libc::WIFSTOPPED(stopped.wait(libc::WUNTRACED)));
        // Others show presence by a page of the same file.
        assert_eq!(gate_holders(&own.place, &name).unwrap(), Some(vec![stopped.id()]));
        let (busy, began) = (attach(&own.place, &name).unwrap_err(), Instant::now());
        assert!(matches!(busy, Error::NameBusy { .. }), "{busy:?}");
        assert!(began.elapsed() < Duration::from_secs(15));
        // A reader takes no part, and does not wait.
        let began = Instant::now();
        let reading = open_for_reading(&own.place, &name, EMPTY).unwrap();
        assert_eq!(reading.arena_id(), id(&held));
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
        drop(reading);
        stopped.signal(libc::SIGCONT);
        stopped.ended_well();
        assert_eq!(gate_holders(&own.place, &name).unwrap(), None);
        assert_eq!(id(&attach(&own.place, &name).unwrap()), id(&held));
    });
}

#[test]
fn a_stopped_process_that_makes_an_arena_is_named_from_its_first_step_inside() {
    alone(|| {
        let own = OwnPlace::new("making");
        for step in INSIDE..INSIDE + 4 {
            let name = own_name(&format!("making-{step}"));
            let mut maker = Child::fork(|| {
                signalled_at(step, libc::SIGSTOP, || drop(open_or_make(&own.place, &name).unwrap()));
            });
            assert!(libc::WIFSTOPPED(maker.wait(libc::WUNTRACED)));
            assert_eq!(gate_holders(&own.place, &name).unwrap(), Some(vec![maker.id()]), "{step}");
            assert_eq!(survey(&own.place, |_| false).unwrap(), [(name, EntryState::Leading)], "{step}");
            maker.signal(libc::SIGCONT);
            maker.ended_well();
            assert_eq!(gate_holders(&own.place, &name).unwrap(), None);
        }
    });
}

#[test]
fn a_process_that_has_just_taken_the_gate_is_named_by_its_open_entry() {
    alone(|| {
        let (own, name) = (OwnPlace::new("open"), own_name("open"));
        let _held = open_or_make(&own.place, &name).unwrap();
        let entry = fs::File::options().read(true).write(true).open(own.path_of(&name)).unwrap();
        // Its page is one that children would inherit, as that of a gate is for a moment.
        let gate = LockedByte::lock(entry.as_fd(), 4096).unwrap().expect("it is free");
        assert_eq!(gate_holders(&own.place, &name).unwrap(), Some(vec![std::process::id()]));
        drop(entry);
        assert_eq!(gate_holders(&own.place, &name).unwrap(), Some(Vec::new()), "none can be told");
        drop(gate);
        assert_eq!(gate_holders(&own.place, &name).unwrap(), None);
    });
}

#[test]
fn a_child_behind_the_back_keeps_no_gate() {
    alone(|| {
        let (own, name) = (OwnPlace::new("clone"), own_name("clone"));
        let (mut told, tell) = std::io::pipe().unwrap();
        let mut maker = Child::fork(|| {
            let hook = move |step| {
                if step == INSIDE {
                    let child = Child::fork_behind_the_back(|| pause());
                    (&tell).write_all(&child.id().to_le_bytes()).unwrap();
                    pause();
                }
            };
            sharevar_arena::crash::observe(hook, || drop(open_or_make(&own.place, &name)));
        });
        let mut id = [0; 4];
        told.read_exact(&mut id).unwrap();
        maker.signal(libc::SIGKILL);
        maker.wait(0);
        let began = Instant::now();
        assert!(open_or_make(&own.place, &name).unwrap().is_new);
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
        // It waits, so that the number is its own.
        // SAFETY: no memory is involved.
        assert_eq!(unsafe { libc::kill(i32::from_le_bytes(id), libc::SIGKILL) }, 0);
    });
}

#[test]
fn a_large_process_that_is_killed_inside_the_gate_is_waited_for() {
    alone(|| {
        let (own, name) = (OwnPlace::new("heavy"), own_name("heavy"));
        let mut heavy = Child::fork(|| {
            let filled = vec![1_u8; 256 << 20];
            signalled_at(INSIDE, libc::SIGSTOP, || drop(open_or_make(&own.place, &name)));
            drop(filled);
        });
        assert!(libc::WIFSTOPPED(heavy.wait(libc::WUNTRACED)));
        heavy.signal(libc::SIGKILL);
        assert!(open_or_make(&own.place, &name).unwrap().is_new);
        heavy.wait(0);
    });
}

#[test]
fn an_administrator_that_removes_segments_takes_nothing_from_those_who_use_them() {
    alone(|| {
        let (own, name, kept) = (OwnPlace::new("ipcrm"), own_name("ipcrm"), own_name("ipcrm-kept"));
        let held = [open_or_make(&own.place, &name).unwrap(), keep(&own.place, &kept)];
        assert_eq!(living(&kept)[0].lifetime, Lifetime::Keep);
        for (name, held) in [&name, &kept].into_iter().zip(&held) {
            memory_segment::remove(number(name)).unwrap();
            assert_eq!(id(&attach(&own.place, name).unwrap()), id(held));
            assert_eq!(living(name)[0].lifetime, Lifetime::WhileUsed, "the mark is shown");
        }
        drop(held);
        assert!(
            matches!(attach(&own.place, &kept), Err(Error::NoSuchManager { .. })),
            "it is not kept any more"
        );
    });
}

/// At the last logout of an ordinary user logind removes its files and directories in /dev/shm, without
/// asking for locks, and its segments that no process has attached.
#[test]
fn a_logout_takes_the_directory_and_what_is_kept_without_a_process() {
    alone(|| {
        let own = OwnPlace::new("logout");
        let [used, kept, left] = ["logout-used", "logout-kept", "logout-left"].map(own_name);
        let held = [open_or_make(&own.place, &used).unwrap(), keep(&own.place, &kept)];
        drop(keep(&own.place, &left));
        own.wipe();
        for segment in memory_segment::all().unwrap().into_iter().filter(|segment| !segment.is_attached) {
            memory_segment::remove(segment.number).unwrap();
        }
        for (name, held) in [&used, &kept].into_iter().zip(&held) {
            assert_eq!(id(&attach(&own.place, name).unwrap()), id(held));
        }
        assert!(matches!(attach(&own.place, &left), Err(Error::NoSuchManager { .. })));
        drop(held);
        remove(&own.place, &kept).unwrap();
    });
}

#[test]
fn half_made_segments_are_swept_and_others_are_left_alone() {
    alone(|| {
        let (own, name) = (OwnPlace::new("half"), own_name("half"));
        let size = (2 << 20) - 5;
        Child::fork(|| assert!(memory_segment::create(size).is_ok())).ended_well();
        let living_one = memory_segment::create(size).unwrap();
        // SAFETY: makes a segment of another program.
        let foreign = unsafe { libc::shmget(0x0102_0304, 2 << 20, libc::IPC_CREAT | 0o600) };
        assert_eq!(memory_segment::all().unwrap().len(), 3);
        drop(open_or_make(&own.place, &name).unwrap());
        let mut left: Vec<_> = memory_segment::all().unwrap().iter().map(|left| left.number).collect();
        // The sign of life of this process stays with it.
        left.retain(|number| memory_segment::find(*number).unwrap().unwrap().size > 4096);
        assert_eq!(left, [living_one, foreign as u32]);
        assert!(list().unwrap().is_empty());
    });
}

#[test]
fn another_layout_is_refused_and_can_be_removed() {
    alone(|| {
        let (own, name) = (OwnPlace::new("layout"), own_name("layout"));
        let held = open_or_make(&own.place, &name).unwrap();
        let segment = memory_segment::find(number(&name)).unwrap().unwrap();
        let memory = Mapping::attach(segment.number, segment.size, Access::ReadWrite).unwrap();
        memory.word(8).store(1 << 32, std::sync::atomic::Ordering::Release);
        for refused in [attach(&own.place, &name), open_or_make(&own.place, &name)] {
            let Err(Error::LayoutMismatch { found, expected, .. }) = refused else { panic!("{refused:?}") };
            assert_eq!(found, 1 << 32);
            assert_ne!(expected, found);
        }
        assert_eq!(living(&name)[0].layout, 1 << 32);
        remove(&own.place, &name).unwrap();
        assert!(held.participant.is_closed());
        assert!(open_or_make(&own.place, &name).unwrap().is_new);
    });
}

#[test]
fn each_user_has_names_of_its_own() {
    alone(|| {
        // SAFETY: no memory is involved.
        if unsafe { libc::geteuid() } != 0 {
            return; // A user cannot become another one.
        }
        let (own, name) = (OwnPlace::new("user"), own_name("user"));
        let _held = open_or_make(&own.place, &name).unwrap();
        let mine = Place::of_this_user();
        Child::fork(|| {
            // SAFETY: as above.
            assert_eq!(unsafe { libc::seteuid(12_345) }, 0);
            assert_ne!(Place::of_this_user(), mine);
            assert!(list().unwrap().is_empty());
            let theirs = OwnPlace::new("another-user");
            assert!(matches!(attach(&theirs.place, &name), Err(Error::NoSuchManager { .. })));
            assert!(open_or_make(&theirs.place, &name).unwrap().is_new);
        })
        .ended_well();
    });
}

#[test]
fn what_the_kernel_would_not_keep_is_not_promised() {
    alone(|| {
        // SAFETY: no memory is involved.
        if unsafe { libc::geteuid() } != 0 {
            return; // Only root may set it.
        }
        let (own, name) = (OwnPlace::new("forced"), own_name("forced"));
        fs::write("/proc/sys/kernel/shm_rmid_forced", "1").unwrap();
        let refused = open(&own.place, &name, Some(&KEEP), EMPTY, fill).unwrap_err();
        assert!(matches!(refused, Error::NotKept { .. }), "{refused:?}");
        drop(open(&own.place, &name, Some(&WHILE_USED), EMPTY, fill).unwrap());
    });
}

#[test]
fn the_limits_of_segments_are_kept_or_named() {
    alone(|| {
        // SAFETY: no memory is involved.
        if unsafe { libc::geteuid() } != 0 {
            return; // Only root may set them.
        }
        let (own, name) = (OwnPlace::new("limits"), own_name("limits"));
        let set = |what: &str, limit: u64| fs::write(what, limit.to_string()).unwrap();
        let (size, count) = ("/proc/sys/kernel/shmmax", "/proc/sys/kernel/shmmni");
        set(size, 32 << 20);
        let by_default = Creation { capacity: None, ..WHILE_USED };
        let opened = open(&own.place, &name, Some(&by_default), EMPTY, fill).unwrap();
        assert!(opened.participant.reservation() <= 32 << 20);
        drop(opened);
        let large = Creation { capacity: Some(64 << 20), ..WHILE_USED };
        let refused = open(&own.place, &name, Some(&large), EMPTY, fill).unwrap_err().to_string();
        assert!(refused.contains("kernel.shmmax"), "{refused}");
        // There is room for the sign of life that this process has already.
        set(count, 1);
        let refused = open_or_make(&own.place, &name).unwrap_err().to_string();
        assert!(refused.contains("kernel.shmmni"), "{refused}");
        // And for the arena alone.
        set(count, 2);
        let _held = open_or_make(&own.place, &name).unwrap();
        Child::fork(|| {
            let refused = attach(&own.place, &name).unwrap_err().to_string();
            assert!(refused.contains("kernel.shmmni"), "{refused}");
        })
        .ended_well();
        set(count, 4096);
        attach(&own.place, &name).unwrap();
    });
}

#[test]
fn what_is_kept_is_there_until_it_is_removed() {
    alone(|| {
        let (own, name) = (OwnPlace::new("kept"), own_name("kept"));
        let first = id(&keep(&own.place, &name));
        assert_eq!(living(&name)[0].lifetime, Lifetime::Keep);
        own.wipe();
        Child::fork(|| assert_eq!(id(&attach(&own.place, &name).unwrap()), first)).ended_well();
        assert_eq!(id(&open_or_make(&own.place, &name).unwrap()), first);
        remove(&own.place, &name).unwrap();
        assert!(list().unwrap().is_empty());
        assert!(matches!(remove(&own.place, &name), Err(Error::NoSuchManager { .. })));
    });
}

#[test]
fn entries_that_lead_to_no_arena_are_swept_and_no_others() {
    alone(|| {
        let own = OwnPlace::new("sweep");
        let sweep_all = || sweep(&own.place, usize::MAX).unwrap();
        assert_eq!(sweep_all(), 0, "there is no directory");
        let names =
            ["used", "kept", "unrecorded", "elsewhere", "lost", "empty", "damaged", "wrong"].map(own_name);
        let [used, kept, unrecorded, elsewhere, lost, empty, damaged, wrong] = &names;
        let held = [used, unrecorded].map(|name| open_or_make(&own.place, name).unwrap());
        drop(keep(&own.place, kept));
        let remains = fs::read(own.path_of(used)).unwrap();
        fs::write(own.path_of(unrecorded), "").unwrap();
        // Another container's, of a process that lives.
        let (mut told, mut tell) = std::io::pipe().unwrap();
        let mut there = Child::fork(|| {
            leave_namespaces(libc::CLONE_NEWIPC);
            let _held = open_or_make(&own.place, elsewhere).unwrap();
            tell.write_all(b".").unwrap();
            pause();
        });
        told.read_exact(&mut [0]).unwrap();
        Child::fork(|| std::mem::forget(open_or_make(&own.place, lost).unwrap())).ended_well();
        fs::write(own.path_of(empty), "").unwrap();
        fs::write(own.path_of(damaged), &remains[1..]).unwrap();
        // That of another name.
        fs::write(own.path_of(wrong), &remains).unwrap();
        // Those that are not ours to judge.
        symlink(own.path_of(used), own.place.path().join("link")).unwrap();
        fs::write(own.place.path().join(".hidden"), "").unwrap();
        let left = || {
            let mut left: Vec<_> =
                fs::read_dir(own.place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            left.sort();
            left
        };
        let mut stopped = Child::fork(|| {
            signalled_at(INSIDE, libc::SIGSTOP, || drop(open_or_make(&own.place, lost).unwrap()));
        });
        assert!(libc::WIFSTOPPED(stopped.wait(libc::WUNTRACED)));
        assert_eq!(sweep_all(), 3, "a gate in which a process stands is not waited for");
        stopped.signal(libc::SIGKILL);
        stopped.wait(0);
        assert_eq!((sweep_all(), sweep_all()), (1, 0));
        let mut expected: Vec<std::ffi::OsString> =
            [used, kept, unrecorded, elsewhere].map(|name| name.as_str().into()).into();
        expected.extend(["link".into(), ".hidden".into()]);
        expected.sort();
        assert_eq!(left(), expected);
        there.signal(libc::SIGKILL);
        there.wait(0);
        drop(held);
        assert_eq!(sweep_all(), 2, "what was in use elsewhere, and here without a record");
        assert!(own.path_of(kept).exists());
        remove(&own.place, kept).unwrap();
    });
}

#[test]
fn a_sweep_that_looks_at_few_entries_comes_to_all_of_them() {
    alone(|| {
        let own = OwnPlace::new("few");
        let names: [Name; 20] = std::array::from_fn(|number| own_name(&number.to_string()));
        let _held = names.each_ref().map(|name| open_or_make(&own.place, name).unwrap());
        let lost = own_name("lost");
        Child::fork(|| std::mem::forget(open_or_make(&own.place, &lost).unwrap())).ended_well();
        let removed: Vec<_> =
            (0..10_000).map(|_| sweep(&own.place, 2).unwrap()).take_while(|removed| *removed == 0).collect();
        assert!(removed.len() < 10_000 && !own.path_of(&lost).exists());
        assert_eq!(sweep(&own.place, 0).unwrap(), 0);
    });
}

#[test]
fn an_arena_is_joined_by_those_who_have_no_descriptor_left() {
    alone(|| {
        let (own, name) = (OwnPlace::new("closed"), own_name("closed"));
        let held = open_or_make(&own.place, &name).unwrap();
        // SAFETY: no descriptor of the arena is among them: it has none.
        assert_eq!(unsafe { libc::close_range(3, u32::MAX, 0) }, 0);
        Child::fork(|| {
            assert!(!held.participant.identity().is_none());
            assert_eq!(id(&attach(&own.place, &name).unwrap()), id(&held));
        })
        .ended_well();
    });
}

/// A header without a segment that has it says nothing.
#[test]
fn only_living_arenas_are_listed() {
    alone(|| {
        let (own, names) = (OwnPlace::new("list"), ["a", "b", "c"].map(own_name));
        let held = names.map(|name| open_or_make(&own.place, &name).unwrap());
        let listed: Vec<_> = list().unwrap().iter().map(|header| header.name).collect();
        assert_eq!(listed, names);
        let segment = memory_segment::find(number(&names[1])).unwrap().unwrap();
        assert!(close_segment(&segment).unwrap());
        assert!(NamedHeader::read(&segment).unwrap().is_some());
        assert_eq!(list().unwrap().len(), 2);
        let newborn =
            SegmentArena::attach(&memory_segment::find(number(&names[0])).unwrap().unwrap()).unwrap();
        newborn.set_state(sharevar_arena::NamedState::Newborn);
        assert_eq!(list().unwrap().len(), 1);
        drop(held);
    });
}
