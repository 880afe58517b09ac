//! A test double: a file system in memory that forgets what was not synced.
//!
//! [`FaultyFilesystem::crash`] pulls the plug: writes, truncations, names made, changed and deleted
//! that no sync has confirmed are gone, and every open file with them.
//! [`FaultyFilesystem::crash_midway`] keeps an arbitrary part of them instead, as a real disk does;
//! [`FaultyFilesystem::cut_power_after`] chooses the moment. It runs out of space, writes less than
//! asked, fails a sync and flips bytes on demand. After a failed sync of a file its unsynced bytes
//! can still be read but are never written by a later sync, as on Linux; names are kept by the file
//! system's own journal and can be synced again.
//!
//! It lives beside the real one so that other rooms can try their own code on it. Directories are
//! taken to exist and to be durable.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::state::{Change, Dice, Inode, State};
use crate::filesystem::{File, Filesystem, size_of_len};

mod state;

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

impl FaultyFilesystem {
    /// An empty one, without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Pulls the plug: what was not synced is gone.
    pub fn crash(&self) {
        self.lock().crash();
    }

    /// Pulls the plug while the disk is at work: of what was not synced an arbitrary part has
    /// reached it, chosen by the seed. Changes of one file arrive in order, the last of them
    /// perhaps in part and with sectors left out.
    pub fn crash_midway(&self, seed: u64) {
        self.lock().crash_midway(&mut Dice::new(seed));
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

    /// After `good` more syncs, of files or directories, one fails with an I/O error.
    pub fn fail_sync_after(&self, good: u32) {
        self.lock().failing_sync = Some(good);
    }

    /// After this many more changes (writes, truncations, syncs, names) the power goes: every later
    /// one fails, until a crash brings the machine back.
    pub fn cut_power_after(&self, changes: u64) {
        self.lock().power = Some(changes);
    }

    /// Takes back every fault: there is space, writes and syncs succeed, the power stays on.
    pub fn mend(&self) {
        let mut state = self.lock();
        state.free_bytes = None;
        state.longest_write = None;
        state.failing_sync = None;
        state.power = None;
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
        state.change_names(vec![(path.to_owned(), Some(inode))]);
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
        state.change()?;
        let inode = state
            .names
            .get(from)
            .copied()
            .ok_or(io::ErrorKind::NotFound)?;
        state.change_names(vec![(to.to_owned(), Some(inode)), (from.to_owned(), None)]);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.change()?;
        let freed = state.inode_of(path)?.content.len();
        state.give_back(freed);
        state.change_names(vec![(path.to_owned(), None)]);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.lock();
        if state.sync_fails()? {
            return Err(io::Error::other("the directory could not be synced"));
        }
        state.confirm_names(dir);
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
