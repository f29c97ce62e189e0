import type { Disk, OpenFile } from './disk.ts';

/** Where a simulated disk is found by the program that is tested. */
export interface Mount {
  readonly folder: string;
  readonly disk: Disk;
  /** The simulated process that runs now. */
  process(): unknown;
  /** What was opened and not closed: a killed process closes nothing, so it is gone with the disk. */
  readonly descriptors: Map<number, Descriptor>;
}

export interface Descriptor {
  path: string;
  mount: Mount;
  /** Undefined: of a folder. */
  open: OpenFile | undefined;
}

const mounts = new Map<string, Mount>();

export function addMount(mount: Mount): void {
  if (mounts.has(mount.folder)) throw new Error(`There is a simulated disk at ${mount.folder}.`);
  mounts.set(mount.folder, mount);
}

export function removeMount({ folder }: Mount): void {
  mounts.delete(folder);
}

/** @param path absolute and normal. Undefined: it is of the real system. */
export function mountOf(path: string): Mount | undefined {
  for (const mount of mounts.values())
    if (path.startsWith(mount.folder) && (path.length === mount.folder.length || isBelow(path, mount)))
      return mount;
  return undefined;
}

/** What is open on a disk that is there. */
export function descriptorOf(fd: number): Descriptor | undefined {
  for (const { descriptors } of mounts.values()) {
    const found = descriptors.get(fd);
    if (found) return found;
  }
  return undefined;
}

function isBelow(path: string, { folder }: Mount): boolean {
  return path.charCodeAt(folder.length) === 0x2f;
}
