import { resolve } from 'node:path';
import { type Disk, DiskError, type DiskFile, folderOf, type OpenFile } from './disk.ts';
import { type Descriptor, descriptorOf, type Mount, mountOf } from './mounts.ts';

/*
 * As much of `node:fs` as the bridge uses on its store's files, for paths on a simulated disk. Whoever is given another path
 * or descriptor gets the real thing. There are neither links nor rights on it.
 */

type Fs = typeof import('node:fs');
type Real = { [name in keyof Fs]: (...args: never[]) => unknown };

/** Beyond what the system gives. */
const firstDescriptor = 1 << 24;
const device = 0x51;

/** Which functions of `node:fs` are replaced, and by what. */
export function simulatedFiles(real: Fs): Partial<Fs> {
  let lastDescriptor = firstDescriptor;

  /** The simulated way where the first argument is a path on such a disk, the real way elsewhere. */
  const byPath = <Name extends keyof Fs>(
    name: Name,
    simulated: (disk: Disk, path: string, by: unknown, ...more: never[]) => unknown,
  ) => ({
    [name]: (...args: unknown[]) => {
      const path = typeof args[0] === 'string' ? resolve(args[0]) : '';
      const mount = mountOf(path);
      if (!mount) return (real as unknown as Real)[name](...(args as never[]));
      return told(name, path, () =>
        simulated(mount.disk, path, mount.process(), ...(args.slice(1) as never[])),
      );
    },
  });
  const byDescriptor = <Name extends keyof Fs>(
    name: Name,
    simulated: (descriptor: Descriptor, fd: number, ...more: never[]) => unknown,
  ) => ({
    [name]: (...args: unknown[]) => {
      const fd = args[0] as number;
      if (!(fd >= firstDescriptor)) return (real as unknown as Real)[name](...(args as never[]));
      return told(name, String(fd), () => {
        const descriptor = descriptorOf(fd);
        if (!descriptor) throw new DiskError('EBADF', String(fd));
        return simulated(descriptor, fd, ...(args.slice(1) as never[]));
      });
    },
  });

  const open = (mount: Mount, path: string, flags: string): Descriptor => {
    const { disk } = mount;
    const by = mount.process();
    if (disk.isFolder(path)) return { path, mount, open: undefined };
    let file = disk.find(path);
    if (file && flags.includes('x')) throw new DiskError('EEXIST', path);
    if (!file && flags.startsWith('r')) throw new DiskError('ENOENT', path);
    file ??= disk.create(path, by);
    const opened = disk.open(file, by);
    if (flags.startsWith('w') && file.size > 0) opened.truncate(0);
    return { path, mount, open: opened };
  };
  const openedFor = <T>(path: string, flags: string, use: (open: OpenFile) => T): T => {
    const { open: opened } = open(mountOf(path)!, path, flags);
    if (!opened) throw new DiskError('EISDIR', path);
    try {
      return use(opened);
    } finally {
      opened.close();
    }
  };
  const readAll = (path: string) =>
    openedFor(path, 'r', (opened) => {
      const all = Buffer.alloc(opened.file.size);
      opened.read(all, 0);
      return all;
    });
  const writeAll = (path: string, bytes: Uint8Array) =>
    openedFor(path, 'w', (opened) => opened.write(bytes, 0));
  const statOf = (disk: Disk, path: string, options?: { throwIfNoEntry?: boolean }) => {
    const file = disk.find(path);
    if (file || disk.isFolder(path)) return new SimulatedStats(file);
    if (options?.throwIfNoEntry === false) return undefined;
    throw new DiskError('ENOENT', path);
  };
  const mustBeThere = (disk: Disk, path: string) => {
    statOf(disk, path);
  };
  const remove = (disk: Disk, path: string, by: unknown, options?: { force?: boolean }) => {
    if (disk.find(path) || !options?.force) disk.remove(path, by);
  };
  const encoded = (bytes: Buffer, options?: BufferEncoding | { encoding?: BufferEncoding | null }) => {
    const encoding = typeof options === 'string' ? options : options?.encoding;
    return encoding ? bytes.toString(encoding) : bytes;
  };

  return Object.assign(
    byPath('existsSync', (disk, path) => disk.isFolder(path) || disk.find(path) !== undefined),
    byPath('statSync', (disk, path, _, options) => statOf(disk, path, options)),
    byPath('lstatSync', (disk, path, _, options) => statOf(disk, path, options)),
    byPath('accessSync', mustBeThere),
    byPath('chmodSync', mustBeThere),
    byPath('realpathSync', (disk, path) => {
      mustBeThere(disk, path);
      return path;
    }),
    byPath('mkdirSync', (disk, path, _, options?: { recursive?: boolean }) => {
      const missing = [path];
      while (options?.recursive && !disk.isFolder(folderOf(missing[0]!)))
        missing.unshift(folderOf(missing[0]!));
      for (const folder of missing)
        if (!options?.recursive || !disk.isFolder(folder)) disk.makeFolder(folder);
    }),
    byPath('readdirSync', (disk, path) => disk.list(path)),
    byPath('rmSync', remove),
    byPath('unlinkSync', (disk, path, by) => remove(disk, path, by)),
    byPath('renameSync', (disk, path, by, to: string) => disk.rename(path, resolve(to), by)),
    byPath('copyFileSync', (_, path, __, to: string) => writeAll(resolve(to), readAll(path))),
    byPath('readFileSync', (_, path, __, options) => encoded(readAll(path), options)),
    byPath('writeFileSync', (_, path, __, content: string | Uint8Array) =>
      writeAll(path, typeof content === 'string' ? Buffer.from(content) : content),
    ),
    byPath('truncateSync', (_, path, __, size = 0) =>
      openedFor(path, 'r+', (opened) => opened.truncate(size)),
    ),
    byPath('openSync', (_, path, __, flags = 'r') => {
      const mount = mountOf(path)!;
      mount.descriptors.set(++lastDescriptor, open(mount, path, flags));
      return lastDescriptor;
    }),
    byDescriptor('closeSync', ({ open: opened, mount }, fd) => {
      mount.descriptors.delete(fd);
      opened?.close();
    }),
    byDescriptor(
      'readSync',
      ({ open: opened }, _, into: Uint8Array, offset: number, length: number, position: number) => {
        if (!opened) throw new DiskError('EISDIR', String(_));
        return opened.read(into.subarray(offset, offset + length), position);
      },
    ),
    byDescriptor('fsyncSync', ({ open: opened, mount, path }) =>
      opened ? opened.sync() : mount.disk.syncFolder(path, mount.process()),
    ),
  );
}

/** An error as Node has it: which call failed, on what. */
function told<T>(syscall: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (reason) {
    if (reason instanceof DiskError)
      Object.assign(reason, { message: `${reason.code}: ${syscall} '${path}'`, syscall, path });
    throw reason;
  }
}

class SimulatedStats {
  readonly dev = device;
  readonly nlink = 1;
  readonly ino: number;
  readonly size: number;
  readonly mode: number;
  readonly #file: DiskFile | undefined;

  constructor(file: DiskFile | undefined) {
    this.#file = file;
    this.ino = file?.id ?? 0;
    this.size = file?.size ?? 0;
    this.mode = file ? 0o100600 : 0o040700;
  }

  isFile(): boolean {
    return this.#file !== undefined;
  }

  isDirectory(): boolean {
    return this.#file === undefined;
  }

  isSymbolicLink(): boolean {
    return false;
  }
}
