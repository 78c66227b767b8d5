// Decides what of a result can be drawn, and how.

export interface Series {
  kind: "line" | "bar";
  /** Epoch seconds for lines over time, positions for bars, else the numbers themselves. */
  x: number[];
  /** Names of the positions of a bar chart. */
  labels?: string[];
  time: boolean;
  ys: { name: string; values: (number | null)[] }[];
}

const numeric = new Set(["INT", "LONG", "FLOAT", "DOUBLE", "BIG_DECIMAL"]);
const maxBars = 60;
const maxPoints = 5000;

function num(v: unknown): number | null {
  if (v === null || v === undefined || v === "") return null;
  const n = typeof v === "number" ? v : Number(v);
  return Number.isFinite(n) ? n : null;
}

/**
 * Picks the first time or text column as x (a number only when no other is
 * there) and all other numeric columns as ys. It returns undefined when there
 * is nothing to draw.
 */
export function pickSeries(names: string[], types: string[], rows: unknown[][]): Series | undefined {
  if (rows.length < 2 || rows.length > maxPoints) return undefined;
  const isNum = types.map((t) => numeric.has(t));
  let x = types.findIndex((t) => t === "TIMESTAMP");
  if (x < 0) x = isNum.findIndex((n) => !n);
  if (x < 0) x = 0;
  const ys = names
    .map((name, i) => ({ name, i }))
    .filter(({ i }) => i !== x && isNum[i])
    .slice(0, 6)
    .map(({ name, i }) => ({ name, values: rows.map((r) => num(r[i])) }));
  if (ys.length === 0) return undefined;
  if (types[x] === "TIMESTAMP") return sorted(rows.map((r) => Date.parse(String(r[x]).replace(" ", "T") + "Z") / 1000), ys, true);
  if (isNum[x]) return sorted(rows.map((r) => num(r[x]) ?? NaN), ys, false);
  if (rows.length > maxBars) return undefined;
  return { kind: "bar", x: rows.map((_, i) => i), labels: rows.map((r) => String(r[x])), time: false, ys };
}

function sorted(x: number[], ys: Series["ys"], time: boolean): Series | undefined {
  const order = x.map((_, i) => i).filter((i) => Number.isFinite(x[i]!));
  if (order.length < 2) return undefined;
  order.sort((a, b) => x[a]! - x[b]!);
  return {
    kind: "line",
    time,
    x: order.map((i) => x[i]!),
    ys: ys.map((y) => ({ name: y.name, values: order.map((i) => y.values[i] ?? null) })),
  };
}
