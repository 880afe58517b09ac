//! A test double: a file system in memory that forgets what was not synced.
//!
//! [`FaultyFilesystem::crash`] pulls the plug: writes, truncations, names made, changed and deleted
//! that no sync has confirmed are gone, and every open file with them. [`FaultyFilesystem::crash_midway`]
//! keeps an arbitrary part of them instead, as a real disk does; [`FaultyFilesystem::cut_power_after`]
//! chooses the moment. It runs out of space, writes less than asked, fails a sync and flips bytes on
//! demand. After a failed sync of a file its unsynced bytes can still be read but are never written
//! by a later sync, as on Linux; names are kept by the file system's own journal and can be synced
//! again.
//!
//! It lives beside the real one so that other rooms can try their own code on it. Directories are
//! taken to exist and to be durable.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::filesystem::{File, Filesystem, size_of_len};

/// A file system in memory; clones share it.
#[derive(Debug, Clone, Default)]
pub struct FaultyFilesystem {
    state: Arc<Mutex<State>>,
}

/// A file of a [`FaultyFilesystem`]. After a crash every use of it is an error.
#[derive(Debug)]
pub struct FaultyFile {
    state: Arc<Mutex<State>>,
    inode: u64,
    boot: u64,
}

#[derive(Debug, Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    names: Names,
    durable_names: Names,
    /// Changes of names not yet confirmed, in order; the value is the new inode, if any.
    pending_names: Vec<(PathBuf, Option<u64>)>,
    next_inode: u64,
    boot: u64,
    free_bytes: Option<u64>,
    longest_write: Option<usize>,
    failing_syncs: u32,
    syncs: u64,
    /// Changes that still succeed before the power goes.
    power: Option<u64>,
}

type Names = BTreeMap<PathBuf, u64>;

#[derive(Debug, Default)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                content.resize(content.len().max(end), 0);
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::Truncate(size) => content.resize(*size, 0),
        }
    }
}

impl FaultyFilesystem {
    /// An empty one, without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Pulls the plug: what was not synced is gone.
    pub fn crash(&self) {
        let mut state = self.lock();
        state.pending_names.clear();
        for inode in state.inodes.values_mut() {
            inode.pending.clear();
        }
        state.reboot();
    }

    /// Pulls the plug while the disk is at work: of what was not synced an arbitrary part has
    /// reached it, chosen by the seed. Changes of one file arrive in order, the last of them
    /// perhaps in part and with sectors left out.
    pub fn crash_midway(&self, seed: u64) {
        let mut dice = Dice(seed);
        let mut state = self.lock();
        let kept_names = dice.below(state.pending_names.len() + 1);
        state.pending_names.truncate(kept_names);
        let pending = std::mem::take(&mut state.pending_names);
        for (path, inode) in pending {
            set_name(&mut state.durable_names, path, inode);
        }
        for inode in state.inodes.values_mut() {
            let kept = dice.below(inode.pending.len() + 1);
            let mut pending = std::mem::take(&mut inode.pending);
            pending.truncate(kept);
            let last = pending.pop();
            for change in &pending {
                change.apply(&mut inode.durable);
            }
            if let Some(last) = last {
                for part in dice.parts(last) {
                    part.apply(&mut inode.durable);
                }
            }
        }
        state.reboot();
    }

    /// From now on this many bytes may be added to files; `None` for as many as one likes. What
    /// is freed by deleting and truncating counts as free again.
    pub fn set_free_bytes(&self, free_bytes: Option<u64>) {
        self.lock().free_bytes = free_bytes;
    }

    /// From now on one write takes at most this many bytes; `None` for as many as it is given.
    pub fn set_longest_write(&self, longest_write: Option<usize>) {
        self.lock().longest_write = longest_write;
    }

    /// The next `count` syncs, of files or directories, fail with an I/O error.
    pub fn fail_syncs(&self, count: u32) {
        self.lock().failing_syncs = count;
    }

    /// After this many more changes (writes, truncations, syncs, names) the power goes: every later
    /// one fails, until a crash brings the machine back.
    pub fn cut_power_after(&self, changes: u64) {
        self.lock().power = Some(changes);
    }

    /// Whether the power has gone.
    #[must_use]
    pub fn is_powered_off(&self) -> bool {
        self.lock().power == Some(0)
    }

    /// How many syncs of files and directories were asked for so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Flips the bits of `mask` in the byte at `offset`, in memory and on disk.
    ///
    /// # Errors
    /// If there is no such file or byte.
    pub fn flip(&self, path: &Path, offset: usize, mask: u8) -> io::Result<()> {
        let mut state = self.lock();
        let inode = state.inode_of(path)?;
        let byte = inode
            .content
            .get_mut(offset)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        *byte ^= mask;
        if let Some(byte) = inode.durable.get_mut(offset) {
            *byte ^= mask;
        }
        Ok(())
    }

    /// The content of a file as a reader sees it now.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn content(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.lock().inode_of(path)?.content.clone())
    }

    /// Puts a file there, durably, with this content.
    pub fn put(&self, path: &Path, content: &[u8]) {
        let mut state = self.lock();
        let inode = state.add_inode();
        if let Some(it) = state.inodes.get_mut(&inode) {
            it.content = content.to_vec();
            it.durable = content.to_vec();
        }
        state.names.insert(path.to_owned(), inode);
        state.durable_names.insert(path.to_owned(), inode);
    }

    /// The files there are now, in order of their names.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        self.lock().names.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn file(&self, inode: u64, boot: u64) -> FaultyFile {
        FaultyFile {
            state: Arc::clone(&self.state),
            inode,
            boot,
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set_name(names: &mut Names, path: PathBuf, inode: Option<u64>) {
    match inode {
        Some(inode) => names.insert(path, inode),
        None => names.remove(&path),
    };
}

impl State {
    /// One change; called before it is made.
    fn change(&mut self) -> io::Result<()> {
        match &mut self.power {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the power is off")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn reboot(&mut self) {
        self.boot += 1;
        self.power = None;
        self.names = self.durable_names.clone();
        let named: Vec<u64> = self.names.values().copied().collect();
        self.inodes.retain(|id, _| named.contains(id));
        for inode in self.inodes.values_mut() {
            inode.content = inode.durable.clone();
        }
    }

    fn inode_of(&mut self, path: &Path) -> io::Result<&mut Inode> {
        let id = self.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        self.inodes
            .get_mut(id)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn add_inode(&mut self) -> u64 {
        self.next_inode += 1;
        self.inodes.insert(self.next_inode, Inode::default());
        self.next_inode
    }

    fn change_name(&mut self, path: &Path, inode: Option<u64>) {
        set_name(&mut self.names, path.to_owned(), inode);
        self.pending_names.push((path.to_owned(), inode));
    }

    fn give_back(&mut self, bytes: usize) {
        if let Some(free) = &mut self.free_bytes {
            *free += size_of_len(bytes);
        }
    }

    fn sync_fails(&mut self) -> io::Result<bool> {
        self.change()?;
        self.syncs += 1;
        let fails = self.failing_syncs > 0;
        self.failing_syncs = self.failing_syncs.saturating_sub(1);
        Ok(fails)
    }
}

impl Filesystem for FaultyFilesystem {
    type File = FaultyFile;

    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let state = self.lock();
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside
            .filter_map(|path| path.file_name())
            .map(OsString::from)
            .collect())
    }

    fn create(&self, path: &Path) -> io::Result<FaultyFile> {
        let mut state = self.lock();
        state.change()?;
        if let Some(inode) = state.names.get(path).copied() {
            let boot = state.boot;
            drop(state);
            let file = self.file(inode, boot);
            file.truncate(0)?;
            return Ok(file);
        }
        let inode = state.add_inode();
        state.change_name(path, Some(inode));
        Ok(self.file(inode, state.boot))
    }

    fn open(&self, path: &Path) -> io::Result<FaultyFile> {
        let state = self.lock();
        let inode = state
            .names
            .get(path)
            .copied()
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(self.file(inode, state.boot))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let inode = state
            .names
            .get(from)
            .copied()
            .ok_or(io::ErrorKind::NotFound)?;
        state.change_name(to, Some(inode));
        state.change_name(from, None);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.change()?;
        let freed = state.inode_of(path)?.content.len();
        state.give_back(freed);
        state.change_name(path, None);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let fails = state.sync_fails()?;
        let pending = std::mem::take(&mut state.pending_names);
        let (here, elsewhere) = pending
            .into_iter()
            .partition(|(path, _)| path.parent() == Some(dir));
        state.pending_names = elsewhere;
        if fails {
            return Err(io::Error::other("the directory could not be synced"));
        }
        let here: Vec<(PathBuf, Option<u64>)> = here;
        for (path, inode) in here {
            set_name(&mut state.durable_names, path, inode);
        }
        Ok(())
    }
}

impl FaultyFile {
    /// Runs one operation on the file, unless the machine has crashed since it was opened.
    fn with<T>(
        &self,
        operation: impl FnOnce(&mut State, &mut Inode) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = lock(&self.state);
        if state.boot != self.boot {
            return Err(io::Error::other(
                "the machine has crashed since the file was opened",
            ));
        }
        let mut inode = state
            .inodes
            .remove(&self.inode)
            .ok_or(io::ErrorKind::NotFound)?;
        let answer = operation(&mut state, &mut inode);
        state.inodes.insert(self.inode, inode);
        answer
    }
}

impl File for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|_, inode| {
            let start = in_memory(offset)?.min(inode.content.len());
            let read = buffer.len().min(inode.content.len() - start);
            buffer[..read].copy_from_slice(&inode.content[start..start + read]);
            Ok(read)
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.with(|state, inode| {
            state.change()?;
            let offset = in_memory(offset)?;
            let mut len = bytes.len().min(state.longest_write.unwrap_or(usize::MAX));
            if let Some(free) = &mut state.free_bytes {
                let room = inode.content.len().saturating_sub(offset);
                let addable = in_memory(*free).unwrap_or(usize::MAX);
                len = len.min(room.saturating_add(addable));
                *free = free.saturating_sub(size_of_len(len.saturating_sub(room)));
                if len == 0 && !bytes.is_empty() {
                    return Err(io::ErrorKind::StorageFull.into());
                }
            }
            let change = Change::Write {
                offset,
                bytes: bytes[..len].to_vec(),
            };
            change.apply(&mut inode.content);
            inode.pending.push(change);
            Ok(len)
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.with(|_, inode| Ok(size_of_len(inode.content.len())))
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.with(|state, inode| {
            state.change()?;
            let size = in_memory(size)?;
            state.give_back(inode.content.len().saturating_sub(size));
            let change = Change::Truncate(size);
            change.apply(&mut inode.content);
            inode.pending.push(change);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state, inode| {
            let fails = state.sync_fails()?;
            let pending = std::mem::take(&mut inode.pending);
            if fails {
                return Err(io::Error::other("the file could not be synced"));
            }
            for change in &pending {
                change.apply(&mut inode.durable);
            }
            Ok(())
        })
    }
}

fn in_memory(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// A small generator (splitmix64), so that a seed always gives the same crash.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = size_of_len(limit.max(1));
        usize::try_from(self.roll() % limit).unwrap_or(0)
    }

    /// What arrives of the last change: of a write the beginning and, perhaps, a stretch further
    /// on. What lies between keeps its old bytes, or is zero where there were none.
    fn parts(&mut self, change: Change) -> Vec<Change> {
        let Change::Write { offset, bytes } = change else {
            return vec![change];
        };
        let mut cut = || self.below(bytes.len() + 1);
        let mut cuts = [cut(), cut(), cut()];
        cuts.sort_unstable();
        let [first_end, from, to] = cuts;
        [(0, first_end), (from, to)]
            .into_iter()
            .filter(|(from, to)| from < to)
            .map(|(from, to)| Change::Write {
                offset: offset + from,
                bytes: bytes[from..to].to_vec(),
            })
            .collect()
    }
}
