/** Durations and sizes as people write them in YAML: `4h`, `256KiB`. */

const msPer: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const longestMs = 3650 * 86_400_000;

const bytesPer: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1_000,
  KB: 1_000,
  KiB: 1024,
  MB: 1_000_000,
  MiB: 1024 ** 2,
};

/** Milliseconds, or what to write instead. A unit is required: nobody can tell whether `90` means seconds. */
export function parseDuration(written: string | number): number | { problem: string } {
  if (typeof written === 'number' || /^\d+(\.\d+)?$/.test(written.trim())) {
    const number = String(written).trim();
    return { problem: `a duration needs a unit: write ${number}s, ${number}m, ${number}h or ${number}d.` };
  }
  const match = /^(\d+)\s*(ms|s|m|h|d)$/.exec(written.trim());
  if (!match) return { problem: `"${written}" is not a duration. Write one like 5s, 1m, 4h or 7d.` };
  const ms = Number(match[1]) * msPer[match[2] as string]!;
  if (ms === 0) return { problem: 'must be longer than nothing.' };
  return ms <= longestMs ? ms : { problem: 'must be at most 3650d.' };
}

/** Bytes, or what to write instead. */
export function parseSize(written: string | number): number | { problem: string } {
  const match = /^(\d+)\s*([a-z]*)$/i.exec(String(written).trim());
  const per = match && bytesPer[match[2] as string];
  if (!match || per === null || per === undefined)
    return { problem: `"${written}" is not a size. Write one like 256KiB or 1MiB, or a number of bytes.` };
  return Number(match[1]) * per;
}
