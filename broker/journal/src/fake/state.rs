//! What the faulty file system holds: what can be read now, what is on disk, and the changes that
//! lie between.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::filesystem::size_of_len;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) names: Names,
    pub(super) durable_names: Names,
    /// Changes of names not yet confirmed, in order.
    pub(super) pending_names: Vec<NameChange>,
    pub(super) next_inode: u64,
    pub(super) boot: u64,
    pub(super) free_bytes: Option<u64>,
    pub(super) longest_write: Option<usize>,
    /// Good syncs before the one that fails.
    pub(super) failing_sync: Option<u32>,
    pub(super) syncs: u64,
    /// Changes that still succeed before the power goes.
    pub(super) power: Option<u64>,
}

pub(super) type Names = BTreeMap<PathBuf, u64>;

/// Names of one directory, each with its new inode or none, that change together or not at all.
pub(super) type NameChange = Vec<(PathBuf, Option<u64>)>;

#[derive(Debug, Default)]
pub(super) struct Inode {
    pub(super) content: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) pending: Vec<Change>,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Change {
    pub(super) fn apply(&self, content: &mut Vec<u8>) {
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

fn set_names(names: &mut Names, change: NameChange) {
    for (path, inode) in change {
        match inode {
            Some(inode) => names.insert(path, inode),
            None => names.remove(&path),
        };
    }
}

impl State {
    /// One change; called before it is made.
    pub(super) fn change(&mut self) -> io::Result<()> {
        match &mut self.power {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the power is off")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    /// Forgets what was not synced.
    pub(super) fn crash(&mut self) {
        self.pending_names.clear();
        for inode in self.inodes.values_mut() {
            inode.pending.clear();
        }
        self.reboot();
    }

    /// Forgets an arbitrary part of what was not synced.
    pub(super) fn crash_midway(&mut self, dice: &mut Dice) {
        let kept = dice.below(self.pending_names.len() + 1);
        for change in self.pending_names.drain(..).take(kept) {
            set_names(&mut self.durable_names, change);
        }
        for inode in self.inodes.values_mut() {
            let kept = dice.below(inode.pending.len() + 1);
            inode.pending.truncate(kept);
            let last = inode
                .pending
                .pop()
                .into_iter()
                .flat_map(|last| dice.parts(last));
            for change in inode.pending.drain(..).chain(last).collect::<Vec<_>>() {
                change.apply(&mut inode.durable);
            }
        }
        self.reboot();
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

    pub(super) fn inode_of(&mut self, path: &Path) -> io::Result<&mut Inode> {
        let id = self.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        self.inodes
            .get_mut(id)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn add_inode(&mut self) -> u64 {
        self.next_inode += 1;
        self.inodes.insert(self.next_inode, Inode::default());
        self.next_inode
    }

    pub(super) fn change_names(&mut self, change: NameChange) {
        set_names(&mut self.names, change.clone());
        self.pending_names.push(change);
    }

    pub(super) fn confirm_names(&mut self, dir: &Path) {
        let is_here = |change: &NameChange| change.iter().all(|it| it.0.parent() == Some(dir));
        let (here, elsewhere) = std::mem::take(&mut self.pending_names)
            .into_iter()
            .partition::<Vec<_>, _>(is_here);
        self.pending_names = elsewhere;
        for change in here {
            set_names(&mut self.durable_names, change);
        }
    }

    pub(super) fn give_back(&mut self, bytes: usize) {
        if let Some(free) = &mut self.free_bytes {
            *free += size_of_len(bytes);
        }
    }

    /// Whether the sync that is being asked for fails.
    pub(super) fn sync_fails(&mut self) -> io::Result<bool> {
        self.change()?;
        self.syncs += 1;
        let fails = self.failing_sync == Some(0);
        self.failing_sync = self.failing_sync.and_then(|good| good.checked_sub(1));
        Ok(fails)
    }
}

/// A small generator (splitmix64), so that a seed always gives the same crash.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

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

    /// What arrives of the last change: of a write sometimes all, else the beginning and, perhaps,
    /// a stretch further on. What lies between keeps its old bytes, or is zero where there were
    /// none.
    fn parts(&mut self, change: Change) -> Vec<Change> {
        let Change::Write { offset, bytes } = change else {
            return vec![change];
        };
        if self.below(4) == 0 {
            return vec![Change::Write { offset, bytes }];
        }
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
