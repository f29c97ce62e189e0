/*
 * A disk in memory, as SQLite may meet one. What is written is seen at once, and is durable when it was synced: until then
 * a power cut keeps each write, tears it between two sectors, or drops it.
 *
 * What it takes for granted, as SQLite does on Linux: a sector is written whole or not at all, with all that was written to
 * it before; a write changes nothing beside it. Sizes change and names come and go in the order they were asked for, as in
 * the journal of ext4 or XFS, but no sooner than a sync: of a file its size, of a folder the names. A sync that failed
 * may have written anything, and what it has not written no later one writes (Linux marks the pages clean). Folders
 * themselves are durable at once.
 */

const sectorBytes = 512;

export type Random = () => number;

/** For `cutPower`: nothing stays of what was not synced. */
export const loseAll: Random = () => 0;

/** One thing that is asked of the disk. `name`: a file is made, renamed or removed. */
export interface Step {
  kind: 'read' | 'write' | 'truncate' | 'sync' | 'name' | 'syncFolder';
  path: string;
}

/** What the disk answers instead: EIO, it is broken; ENOSPC, there is no room. */
export type Fault = 'EIO' | 'ENOSPC';

export class DiskError extends Error {
  readonly code: string;
  readonly errno: number;
  constructor(code: keyof typeof errnos, what: string) {
    super(`${code}: ${what}`);
    this.code = code;
    this.errno = -errnos[code];
  }
}

const errnos = { EACCES: 13, EBADF: 9, EEXIST: 17, EIO: 5, EISDIR: 21, ENOENT: 2, ENOSPC: 28, ENOTDIR: 20 };

export class Disk {
  /**
   * Is asked before each step, and may name a fault, or cut the power, or kill a process: then the step does not happen.
   */
  before: ((step: Step) => Fault | undefined) | null = null;
  /** Bytes of all files together. Beyond it a write is cut short, and ENOSPC. */
  capacity = Number.POSITIVE_INFINITY;
  /** Decides what a failed sync leaves, and what a power cut does that is given no other. */
  random: Random;

  readonly #names = new Map<string, DiskFile>();
  readonly #folders = new Set<string>(['/']);
  readonly #open = new Set<OpenFile>();
  readonly #dead = new Set<unknown>();
  #durableNames = new Map<string, DiskFile>();
  #unsyncedNames: NameChange[] = [];
  #isOff = false;
  #files = 0;

  constructor(random: Random) {
    this.random = random;
  }

  // Names.

  find(path: string): DiskFile | undefined {
    return this.#names.get(path);
  }

  isFolder(path: string): boolean {
    return this.#folders.has(path);
  }

  makeFolder(path: string): void {
    if (this.#names.has(path) || this.#folders.has(path)) throw new DiskError('EEXIST', path);
    if (!this.#folders.has(folderOf(path))) throw new DiskError('ENOENT', path);
    this.#folders.add(path);
  }

  /** The names in a folder, in order. */
  list(folder: string): string[] {
    if (!this.#folders.has(folder)) throw new DiskError('ENOENT', folder);
    return [...this.#names.keys(), ...this.#folders]
      .filter((path) => path !== '/' && folderOf(path) === folder)
      .map((path) => path.slice(path.lastIndexOf('/') + 1))
      .sort();
  }

  create(path: string, by?: unknown): DiskFile {
    if (this.#folders.has(path)) throw new DiskError('EISDIR', path);
    if (!this.#folders.has(folderOf(path))) throw new DiskError('ENOENT', path);
    this.#step('name', path, by);
    const file = new DiskFile(++this.#files, path);
    this.#rename([[path, file]]);
    return file;
  }

  remove(path: string, by?: unknown): void {
    if (!this.#names.has(path)) throw new DiskError('ENOENT', path);
    this.#step('name', path, by);
    this.#rename([[path, null]]);
  }

  rename(from: string, to: string, by?: unknown): void {
    const file = this.#names.get(from);
    if (!file || !this.#folders.has(folderOf(to))) throw new DiskError('ENOENT', from);
    this.#step('name', to, by);
    file.path = to;
    this.#rename([
      [from, null],
      [to, file],
    ]);
  }

  syncFolder(path: string, by?: unknown): void {
    this.#step('syncFolder', path, by);
    this.#durableNames = new Map(this.#names);
    this.#unsyncedNames = [];
  }

  #rename(change: NameChange): void {
    apply(change, this.#names);
    this.#unsyncedNames.push(change);
  }

  // Files.

  /** @param by the process, that `kill` may be told of */
  open(file: DiskFile, by?: unknown): OpenFile {
    this.#mustBeOn(file.path, by);
    const open = new OpenFile(this, file, by);
    this.#open.add(open);
    return open;
  }

  /** Whoever holds `open` has no more to do with it. For OpenFile. */
  forget(open: OpenFile): void {
    this.#open.delete(open);
  }

  /** Asks `before`. For OpenFile and this. @throws DiskError */
  step(kind: Step['kind'], { file, by }: OpenFile): void {
    this.#step(kind, file.path, by);
  }

  #step(kind: Step['kind'], path: string, by: unknown): void {
    this.#mustBeOn(path, by);
    if (this.before === null) return;
    const fault = this.before({ kind, path });
    this.#mustBeOn(path, by);
    if (fault) throw new DiskError(fault, `${kind} ${path}`);
  }

  #mustBeOn(path: string, by: unknown): void {
    if (this.#isOff || this.#dead.has(by)) throw new DiskError('EIO', `${path}: it is over`);
  }

  /** How many bytes files may grow by. */
  get room(): number {
    if (this.capacity === Number.POSITIVE_INFINITY) return this.capacity;
    let used = 0;
    for (const file of this.#names.values()) used += file.size;
    return Math.max(0, this.capacity - used);
  }

  // Ends.

  /** A process dies. What it wrote the system keeps; what it had open and locked is given up. Without one: all of them. */
  kill(process?: unknown): void {
    if (process !== undefined) this.#dead.add(process);
    for (const open of [...this.#open]) if (process === undefined || open.by === process) open.die();
  }

  /** The power goes: all processes die, and of what was not synced nobody knows. Nothing more happens until `start`. */
  cutPower(random: Random = this.random): void {
    this.kill();
    this.#isOff = true;
    const inOrder = this.#unsyncedNames.slice(0, upTo(random, this.#unsyncedNames.length));
    for (const change of inOrder) apply(change, this.#durableNames);
    this.#unsyncedNames = [];
    this.#names.clear();
    for (const [path, file] of this.#durableNames) {
      this.#names.set(path, file);
      file.path = path;
      file.loseUnsynced(random);
      file.forgetCached();
    }
  }

  get isOff(): boolean {
    return this.#isOff;
  }

  /** The power is back. */
  start(): void {
    this.#isOff = false;
  }

  /** The system needs its memory: what a failed sync did not write is read as the disk has it. */
  dropCaches(): void {
    for (const file of this.#names.values()) if (file.isClean) file.forgetCached();
  }

  // For tests and the simulation, which are no process: without steps, and durable at once.

  /** The same files with all that is in them, durable. */
  copy(random: Random): Disk {
    const copy = new Disk(random);
    for (const folder of this.#folders) copy.#folders.add(folder);
    for (const [path, file] of this.#names) copy.put(path, file.content());
    return copy;
  }

  put(path: string, content: Uint8Array): void {
    const file = new DiskFile(++this.#files, path);
    file.write(content, 0);
    file.sync();
    this.#names.set(path, file);
    this.#durableNames.set(path, file);
  }
}

/** Together or not at all: from where to what it leads from now on. */
type NameChange = readonly (readonly [path: string, file: DiskFile | null])[];

function apply(change: NameChange, names: Map<string, DiskFile>): void {
  for (const [path, file] of change) {
    if (file) names.set(path, file);
    else names.delete(path);
  }
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** What was done since the last sync: bytes written, or the size set. */
type Change = { at: number; bytes: Uint8Array } | { size: number };

/** What a name leads to: it lives on without one while somebody has it open. */
export class DiskFile {
  readonly id: number;
  /** Its latest name. */
  path: string;
  readonly #seen = new Bytes();
  readonly #durable = new Bytes();
  #unsynced: Change[] = [];

  constructor(id: number, path: string) {
    this.id = id;
    this.path = path;
  }

  get size(): number {
    return this.#seen.size;
  }

  get isClean(): boolean {
    return this.#unsynced.length === 0;
  }

  content(): Uint8Array {
    return this.#seen.bytes.slice(0, this.#seen.size);
  }

  /** Returns how many bytes there were. */
  read(into: Uint8Array, at: number): number {
    const { bytes, size } = this.#seen;
    const end = Math.min(size, at + into.length);
    if (end <= at) return 0;
    into.set(bytes.subarray(at, end));
    return end - at;
  }

  write(bytes: Uint8Array, at: number): void {
    this.#seen.put(bytes, at);
    this.#unsynced.push({ at, bytes: bytes.slice() });
  }

  resize(size: number): void {
    this.#seen.resize(size);
    this.#unsynced.push({ size });
  }

  sync(): void {
    const from = this.#seen;
    const to = this.#durable;
    for (const change of this.#unsynced) if ('size' in change) to.resize(change.size);
    for (const change of this.#unsynced) {
      if ('size' in change) continue;
      // By sectors, not by bytes: what an earlier sync did not write beside it goes along.
      const start = change.at - (change.at % sectorBytes);
      const end = Math.min(from.size, sectorEnd(change.at + change.bytes.length - 1));
      if (end > start) to.put(from.bytes.subarray(start, end), start);
    }
    this.#unsynced = [];
  }

  /** Chance has each write on the disk, torn, or not at all. All of it is seen still, until `forgetCached`. */
  loseUnsynced(random: Random): void {
    const durable = this.#durable;
    const seen = new Bytes(); // as it was after each of the changes
    seen.put(durable.bytes.subarray(0, durable.size), 0);
    const sizesKept = upTo(random, this.#unsynced.length);
    // A write beyond the end that a lost truncation had set went to sectors that the file never got.
    let lostBeyond = Number.POSITIVE_INFINITY;
    const inclined = 2 * random() - 0.5; // often everything is lost or nothing, and all between
    for (const [i, change] of this.#unsynced.entries()) {
      if ('size' in change) {
        seen.resize(change.size);
        if (i < sizesKept) durable.resize(change.size);
        else lostBeyond = Math.min(lostBeyond, change.size);
        continue;
      }
      const { at, bytes } = change;
      seen.put(bytes, at);
      const isTorn = inclined > 0 && inclined < 1 && random() < 0.25;
      const isKept = random() < inclined;
      for (let start = at - (at % sectorBytes); start < at + bytes.length; start += sectorBytes) {
        if (start >= lostBeyond || !(isTorn ? random() < 0.5 : isKept)) continue;
        durable.put(seen.bytes.subarray(start, Math.min(seen.size, start + sectorBytes)), start);
      }
      // The size without the bytes: zeros are read there.
      const hasSize = i < sizesKept && lostBeyond === Number.POSITIVE_INFINITY && random() < 0.25;
      if (hasSize && at + bytes.length > durable.size) durable.resize(at + bytes.length);
    }
    this.#unsynced = [];
  }

  /** What is seen is what is durable. */
  forgetCached(): void {
    this.#seen.resize(0);
    this.#seen.put(this.#durable.bytes.subarray(0, this.#durable.size), 0);
  }
}

/** A file that a process has open. */
export class OpenFile {
  readonly file: DiskFile;
  readonly by: unknown;
  readonly #disk: Disk;
  /** Is called when it dies with its process, or is closed: its locks are gone then. */
  released: (() => void) | null = null;
  #isDead = false;

  constructor(disk: Disk, file: DiskFile, by: unknown) {
    this.#disk = disk;
    this.file = file;
    this.by = by;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Whether its name still leads to it. */
  get isNamed(): boolean {
    return this.#disk.find(this.file.path) === this.file;
  }

  die(): void {
    this.#isDead = true;
    this.close();
  }

  close(): void {
    this.#disk.forget(this);
    this.released?.();
    this.released = null;
  }

  /** Returns how many bytes there were. */
  read(into: Uint8Array, at: number): number {
    this.#step('read');
    return this.file.read(into, at);
  }

  write(bytes: Uint8Array, at: number): void {
    this.#step('write');
    const { file } = this;
    const growth = at + bytes.length - file.size;
    const tooMuch = growth > 0 ? growth - this.#disk.room : 0;
    const fitting = bytes.length - Math.max(0, tooMuch);
    if (fitting > 0) file.write(bytes.subarray(0, fitting), at);
    if (tooMuch > 0) throw new DiskError('ENOSPC', `write ${file.path}`);
  }

  truncate(size: number): void {
    this.#step('truncate');
    this.file.resize(size);
  }

  sync(): void {
    try {
      this.#step('sync');
    } catch (reason) {
      if (!this.#isDead) this.file.loseUnsynced(this.#disk.random);
      throw reason;
    }
    this.file.sync();
  }

  #step(kind: Step['kind']): void {
    if (this.#isDead) throw new DiskError('EIO', `${this.file.path}: it is over`);
    this.#disk.step(kind, this);
    if (this.#isDead) throw new DiskError('EIO', `${this.file.path}: it is over`);
  }
}

/** Bytes that grow. Beyond the size there are zeros. */
class Bytes {
  bytes = new Uint8Array(sectorBytes);
  size = 0;

  put(bytes: Uint8Array, at: number): void {
    const end = at + bytes.length;
    if (end > this.size) this.resize(end);
    this.bytes.set(bytes, at);
  }

  resize(size: number): void {
    if (size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, this.size));
      this.bytes = grown;
    } else if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
  }
}

function sectorEnd(at: number): number {
  return at - (at % sectorBytes) + sectorBytes;
}

/** From 0 to `most`, both included. */
function upTo(random: Random, most: number): number {
  return Math.floor(random() * (most + 1));
}
