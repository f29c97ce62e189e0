import { resolve } from 'node:path';
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { DiskError, type DiskFile, folderOf, type OpenFile } from './disk.ts';
import { type Mount, mountOf } from './mounts.ts';

/*
 * How SQLite's library in WASM sees the simulated disks: what os_unix.c does, of which the real driver is made, so that
 * the same is synced in the same order. Files are shared by all connections of this process as by processes on Linux:
 * with locks, and with the shared memory of a write-ahead log, which here is a piece of the library's own memory.
 */

/** https://sqlite.org/rescode.html */
const code = {
  ok: 0,
  busy: 5,
  notFound: 12,
  full: 13,
  cantOpen: 14,
  ioerr: 10,
  read: 266,
  shortRead: 522,
  write: 778,
  fsync: 1034,
  dirFsync: 1290,
  truncate: 1546,
  delete: 2570,
  shmMap: 5386,
  deleteNoEntry: 5898,
};

const openFlag = {
  readWrite: 2,
  create: 4,
  deleteOnClose: 8,
  mainJournal: 0x800,
  superJournal: 0x4000,
  wal: 0x80000,
};
const fileControlHasMoved = 20;
const powersafeOverwrite = 0x1000;

/** https://sqlite.org/c3ref/c_lock_exclusive.html */
const level = { none: 0, shared: 1, reserved: 2, pending: 3, exclusive: 4 };
const shmFlag = { unlock: 1, lock: 2, shared: 4, exclusive: 8 };
const shmSlots = 8;

/** One connection's hold on a file. */
interface Connection {
  open: OpenFile;
  mount: Mount | null;
  level: number;
  memory: SharedMemory | null;
  /** A log that was just made is nothing before its name is on the disk: SQLite syncs the folder with the first sync. */
  syncsFolder: boolean;
  removedOnClose: string | null;
}

/** What all connections to a file share. */
interface Shared {
  locks: Set<Connection>;
  memory: SharedMemory | null;
}

/** Of a write-ahead log: its index, and the locks on that. */
interface SharedMemory {
  /** Addresses. */
  regions: number[];
  users: Set<Connection>;
  /** Users, and the dead: the library still knows the addresses, until it is told to close what they had open. */
  mapped: Set<Connection>;
  slots: { shared: Set<Connection>; exclusive: Connection | null }[];
}

export interface SqliteVfs {
  /** Until `run` has returned, names lead nowhere: what a dead process would still do with them does not happen. */
  withoutNames(run: () => void): void;
  /** The file that was opened last. */
  lastOpened: OpenFile | null;
  /** What was thrown within and is no answer of the disk: a mistake of ours. */
  mistake: unknown;
}

function freeSlots(): SharedMemory['slots'] {
  return Array.from({ length: shmSlots }, () => ({ shared: new Set<Connection>(), exclusive: null }));
}

/** What the library has as memory. It is another one when it has grown. */
export function memoryOf({ wasm }: Sqlite3Static): { readonly buffer: ArrayBuffer } {
  return (wasm as unknown as { memory: { readonly buffer: ArrayBuffer } }).memory;
}

/** Makes it the library's default. @param random of the library's own random numbers: salts of logs, names. */
export function installVfs(library: Sqlite3Static, random: () => number): SqliteVfs {
  const { wasm, capi } = library;
  const memory = memoryOf(library);
  let heap = new Uint8Array(memory.buffer);
  let view = new DataView(memory.buffer);
  const refresh = () => {
    if (heap.buffer === memory.buffer) return;
    heap = new Uint8Array(memory.buffer);
    view = new DataView(memory.buffer);
  };
  const textAt = (at: number) => {
    refresh();
    return Buffer.from(heap.buffer, at, heap.indexOf(0, at) - at).toString();
  };
  const setInt = (at: number, value: number) => {
    refresh();
    view.setInt32(at, value, true);
  };

  const connections = new Map<number, Connection>();
  const sharedOf = new WeakMap<DiskFile, Shared>();
  const vfs: SqliteVfs = {
    mistake: undefined,
    lastOpened: null,
    withoutNames(run) {
      hasNames = false;
      try {
        run();
      } finally {
        hasNames = true;
      }
    },
  };
  let hasNames = true;

  /** Nothing may be thrown through the library. */
  const answers =
    <Args extends unknown[]>(failure: number, method: (...args: Args) => number) =>
    (...args: Args): number => {
      try {
        return method(...args);
      } catch (reason) {
        if (!(reason instanceof DiskError)) vfs.mistake = reason;
        return reason instanceof DiskError && reason.code === 'ENOSPC' && failure === code.write
          ? code.full
          : failure;
      }
    };
  const at = (file: number) => connections.get(file)!;

  const shared = ({ file }: OpenFile): Shared => {
    const found = sharedOf.get(file) ?? { locks: new Set(), memory: null };
    sharedOf.set(file, found);
    return found;
  };

  const release = (connection: Connection) => {
    const all = shared(connection.open);
    connection.level = level.none;
    all.locks.delete(connection);
    if (all.memory) leave(all, all.memory, connection);
  };

  /** Whoever comes first next finds none, and makes it anew from the log. */
  const leave = (all: Shared, memory: SharedMemory, connection: Connection) => {
    if (!memory.users.delete(connection)) return;
    for (const slot of memory.slots) {
      slot.shared.delete(connection);
      if (slot.exclusive === connection) slot.exclusive = null;
    }
    if (memory.users.size === 0) all.memory = null;
  };

  const io = {
    xClose: answers(code.ok, (file: number) => {
      const { open, mount, removedOnClose } = at(file);
      connections.delete(file);
      open.close();
      if (removedOnClose !== null && mount && hasNames) mount.disk.remove(removedOnClose, open.by);
      return code.ok;
    }),
    xRead: answers(code.read, (file: number, into: number, bytes: number, offset: bigint) => {
      refresh();
      const target = heap.subarray(into, into + bytes);
      const read = at(file).open.read(target, Number(offset));
      if (read === bytes) return code.ok;
      target.fill(0, read);
      return code.shortRead;
    }),
    xWrite: answers(code.write, (file: number, from: number, bytes: number, offset: bigint) => {
      refresh();
      at(file).open.write(heap.subarray(from, from + bytes), Number(offset));
      return code.ok;
    }),
    xTruncate: answers(code.truncate, (file: number, size: bigint) => {
      at(file).open.truncate(Number(size));
      return code.ok;
    }),
    xSync: answers(code.fsync, (file: number) => {
      const connection = at(file);
      const { open, mount } = connection;
      open.sync();
      if (!connection.syncsFolder) return code.ok;
      connection.syncsFolder = false;
      try {
        mount?.disk.syncFolder(folderOf(open.file.path), open.by);
      } catch (reason) {
        if (open.isDead) throw reason; // os_unix.c, too, does not look whether that failed
      }
      return code.ok;
    }),
    xFileSize: answers(code.ioerr, (file: number, into: number) => {
      refresh();
      view.setBigInt64(into, BigInt(at(file).open.file.size), true);
      return code.ok;
    }),

    xLock: answers(code.ioerr, (file: number, wanted: number) => {
      const connection = at(file);
      if (connection.level >= wanted) return code.ok;
      if (connection.open.isDead) return code.ioerr;
      const { locks } = shared(connection.open);
      const others = [...locks].filter((other) => other !== connection);
      const highest = Math.max(level.none, ...others.map((other) => other.level));
      if (wanted === level.shared) {
        if (highest >= level.pending) return code.busy;
      } else if (highest >= level.reserved) return code.busy;
      else if (wanted === level.exclusive && others.length > 0) {
        connection.level = level.pending; // nobody new comes in; it is asked for again when the readers are gone
        return code.busy;
      }
      connection.level = wanted;
      locks.add(connection);
      return code.ok;
    }),
    xUnlock: answers(code.ok, (file: number, wanted: number) => {
      const connection = at(file);
      if (connection.level <= wanted) return code.ok;
      connection.level = wanted;
      if (wanted === level.none) shared(connection.open).locks.delete(connection);
      return code.ok;
    }),
    xCheckReservedLock: answers(code.ioerr, (file: number, into: number) => {
      const { locks } = shared(at(file).open);
      setInt(into, [...locks].some((one) => one.level >= level.reserved) ? 1 : 0);
      return code.ok;
    }),
    xFileControl: answers(code.ioerr, (file: number, asked: number, into: number) => {
      if (asked !== fileControlHasMoved) return code.notFound;
      setInt(into, at(file).open.isNamed ? 0 : 1);
      return code.ok;
    }),
    xSectorSize: () => 4096,
    xDeviceCharacteristics: () => powersafeOverwrite,

    xShmMap: answers(
      code.shmMap,
      (file: number, region: number, size: number, extend: number, into: number) => {
        const connection = at(file);
        const { open, mount } = connection;
        if (open.isDead || !mount) return code.shmMap;
        if (!connection.memory) {
          const all = shared(open);
          all.memory ??= { regions: [], users: new Set(), mapped: new Set(), slots: freeSlots() };
          all.memory.users.add(connection);
          all.memory.mapped.add(connection);
          connection.memory = all.memory;
          const name = `${open.file.path}-shm`;
          if (!mount.disk.find(name)) mount.disk.create(name, open.by);
        }
        const { regions } = connection.memory;
        while (extend && regions.length <= region) {
          const made = wasm.alloc(size);
          refresh();
          heap.fill(0, made, made + size);
          regions.push(made);
        }
        setInt(into, regions[region] ?? 0);
        return code.ok;
      },
    ),
    xShmLock: answers(code.ioerr, (file: number, first: number, count: number, flags: number) => {
      const connection = at(file);
      if (connection.open.isDead || !connection.memory) return flags & shmFlag.unlock ? code.ok : code.ioerr;
      const slots = connection.memory.slots.slice(first, first + count);
      if (flags & shmFlag.unlock) {
        for (const slot of slots) {
          if (flags & shmFlag.shared) slot.shared.delete(connection);
          else if (slot.exclusive === connection) slot.exclusive = null;
        }
        return code.ok;
      }
      for (const slot of slots) {
        if (slot.exclusive !== null && slot.exclusive !== connection) return code.busy;
        if (flags & shmFlag.shared) continue;
        if (slot.shared.size > (slot.shared.has(connection) ? 1 : 0)) return code.busy;
      }
      for (const slot of slots) {
        if (flags & shmFlag.shared) slot.shared.add(connection);
        else slot.exclusive = connection;
      }
      return code.ok;
    }),
    xShmBarrier: () => {},
    xShmUnmap: answers(code.ok, (file: number, isRemoved: number) => {
      const connection = at(file);
      const { open, mount, memory } = connection;
      if (!memory) return code.ok;
      connection.memory = null;
      const all = shared(open);
      leave(all, memory, connection);
      memory.mapped.delete(connection);
      if (memory.mapped.size === 0) for (const region of memory.regions) wasm.dealloc(region);
      const name = `${open.file.path}-shm`;
      if (isRemoved && !all.memory && !open.isDead && mount?.disk.find(name))
        mount.disk.remove(name, open.by);
      return code.ok;
    }),
  };

  /** The disk that a name leads to. */
  const disk = (path: string) => {
    const mount = hasNames ? mountOf(path) : undefined;
    if (!mount) throw new DiskError('EIO', path);
    return { mount, process: mount.process() };
  };

  const names = {
    xOpen: answers(
      code.cantOpen,
      (_: number, name: number, file: number, flags: number, outFlags: number) => {
        const path = textAt(name);
        const { mount, process } = disk(path);
        let found = mount.disk.find(path);
        if (!found && !(flags & openFlag.create)) return code.cantOpen;
        found ??= mount.disk.create(path, process);
        const isLog = (flags & (openFlag.mainJournal | openFlag.superJournal | openFlag.wal)) !== 0;
        const connection: Connection = {
          open: mount.disk.open(found, process),
          mount,
          level: level.none,
          memory: null,
          syncsFolder: isLog && (flags & openFlag.create) !== 0,
          removedOnClose: flags & openFlag.deleteOnClose ? path : null,
        };
        vfs.lastOpened = connection.open;
        connection.open.released = () => release(connection);
        connections.set(file, connection);
        setInt(file, ioMethods);
        if (outFlags !== 0) setInt(outFlags, flags);
        return code.ok;
      },
    ),
    xDelete: answers(code.delete, (_: number, name: number, isSynced: number) => {
      const path = textAt(name);
      const { mount, process } = disk(path);
      if (!mount.disk.find(path)) return code.deleteNoEntry;
      mount.disk.remove(path, process);
      if (!(isSynced & 1)) return code.ok;
      try {
        mount.disk.syncFolder(folderOf(path), process);
      } catch {
        return code.dirFsync;
      }
      return code.ok;
    }),
    xAccess: answers(code.ioerr, (_: number, name: number, asked: number, into: number) => {
      const path = textAt(name);
      const found = disk(path).mount.disk.find(path);
      // Asked whether it exists: an empty one is none (os_unix.c).
      setInt(into, found && (asked !== 0 || found.size > 0) ? 1 : 0);
      return code.ok;
    }),
    xFullPathname: answers(code.cantOpen, (_: number, name: number, most: number, into: number) => {
      const path = Buffer.from(`${resolve(textAt(name))}\0`);
      if (path.length > most) return code.cantOpen;
      heap.set(path, into);
      return code.ok;
    }),
    xDlOpen: () => 0,
    xDlError: () => {},
    xDlSym: () => 0,
    xDlClose: () => {},
    xRandomness: (_: number, bytes: number, into: number) => {
      refresh();
      for (let i = 0; i < bytes; i++) heap[into + i] = Math.floor(random() * 256);
      return bytes;
    },
    // Nobody else runs meanwhile: what is waited for does not come by waiting.
    xSleep: (_: number, microseconds: number) => microseconds,
    xCurrentTime: (_: number, into: number) => {
      refresh();
      view.setFloat64(into, Date.now() / 86_400_000 + 2_440_587.5, true);
      return code.ok;
    },
    xGetLastError: () => 0,
    xCurrentTimeInt64: (_: number, into: number) => {
      refresh();
      view.setBigInt64(into, BigInt(Date.now()) + 210_866_760_000_000n, true); // since the Julian day 0
      return code.ok;
    },
  };

  const ioStruct = new capi.sqlite3_io_methods();
  const ioMethods = Number(ioStruct.pointer);
  Object.assign(ioStruct, { $iVersion: 2 }); // with shared memory, without mapped files
  const vfsStruct = new capi.sqlite3_vfs();
  // Of a file the library keeps the address of its methods. What else belongs to it is in `connections`.
  Object.assign(vfsStruct, { $iVersion: 2, $szOsFile: 8, $mxPathname: 512 });
  library.vfs.installVfs({
    io: { struct: ioStruct, methods: io as never },
    vfs: { struct: vfsStruct, methods: names as never, name: 'simulated', asDefault: true },
  });
  return vfs;
}
