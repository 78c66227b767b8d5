import { expect, test } from "vitest";
import { errorText } from "./api";
import { bytes, duration } from "./format";
import { pickSeries } from "./series";

test("a time column becomes a sorted line", () => {
  const s = pickSeries(["minute", "n"], ["TIMESTAMP", "LONG"], [
    ["2026-01-01 00:01:00.0", 2],
    ["2026-01-01 00:00:00.0", 1],
  ]);
  expect(s?.kind).toBe("line");
  expect(s?.time).toBe(true);
  expect(s?.ys[0]?.values).toEqual([1, 2]);
  expect(s!.x[1]! - s!.x[0]!).toBe(60);
});

test("text becomes bars with labels, NULL stays empty", () => {
  const s = pickSeries(["d", "sum"], ["STRING", "DOUBLE"], [["<script>", 1.5], ["b", null]]);
  expect(s?.kind).toBe("bar");
  expect(s?.labels).toEqual(["<script>", "b"]);
  expect(s?.ys[0]?.values).toEqual([1.5, null]);
});

test("nothing to draw", () => {
  expect(pickSeries(["a"], ["STRING"], [["x"], ["y"]])).toBeUndefined();
  expect(pickSeries(["a", "n"], ["STRING", "INT"], [["x", 1]])).toBeUndefined();
});

test("numbers are readable", () => {
  expect(bytes(999)).toBe("999 B");
  expect(bytes(1_234_567)).toBe("1.23 MB");
  expect(duration(-1)).toBe("unknown");
  expect(duration(61_000)).toBe("1 min 1 s");
});

test("errors keep the server's words", () => {
  expect(errorText(400, '{"code":400,"error":"no table \\"x\\""}')).toBe('no table "x"');
  expect(errorText(502, "")).toBe("HTTP status 502");
});
