// Numbers and times as people read them.

export function count(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}

export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${i === 0 ? n : n.toFixed(n < 10 ? 2 : 1)} ${units[i]}`;
}

/** A duration in the largest unit that keeps it readable; negative means unknown. */
export function duration(ms: number): string {
  if (ms < 0) return "unknown";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
  return `${(ms / 86_400_000).toFixed(1)} days`;
}

export function unknownOr(n: number, f: (n: number) => string): string {
  return n < 0 ? "unknown" : f(n);
}

/** Epoch µs as UTC text without the zone letter. */
export function micros(us: number): string {
  return new Date(us / 1000).toISOString().replace("T", " ").slice(0, 19);
}

export function millis(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").slice(0, 19);
}

export function cell(v: unknown): string {
  if (v === null || v === undefined) return "NULL";
  if (typeof v === "object") return JSON.stringify(v);
  return String(v);
}
