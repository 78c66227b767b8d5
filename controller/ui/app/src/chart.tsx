import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import type { Series } from "./series";

const colors = ["#2f6fde", "#d9822b", "#2e9e6b", "#b0409a", "#8a6d3b", "#5c6b7a"];

export function Chart(p: { series: Series }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const el = box.current!;
    const plot = new uPlot(options(p.series, el.clientWidth), [p.series.x, ...p.series.ys.map((y) => y.values)] as uPlot.AlignedData, el);
    const resize = () => plot.setSize({ width: el.clientWidth, height: 260 });
    addEventListener("resize", resize);
    return () => {
      removeEventListener("resize", resize);
      plot.destroy();
    };
  }, [p.series]);
  return <div ref={box} class="chart" id="chart" role="img" aria-label="chart of the result" />;
}

function options(s: Series, width: number): uPlot.Options {
  const ink = getComputedStyle(document.body).color;
  const axis = { stroke: ink, grid: { stroke: "rgba(128,128,128,0.2)" }, ticks: { stroke: "rgba(128,128,128,0.2)" } };
  const bars = s.kind === "bar" ? { paths: uPlot.paths.bars!({ size: [0.7, 60] }) } : {};
  return {
    width,
    height: 260,
    scales: { x: { time: s.time, ...(s.labels ? { range: [-0.5, s.x.length - 0.5] as [number, number] } : {}) } },
    axes: [s.labels ? { ...axis, values: (_, ticks) => ticks.map((t) => (Number.isInteger(t) ? (s.labels![t] ?? "") : "")) } : axis, { ...axis, size: 80 }],
    series: [
      s.labels ? { value: (_, v) => (v === null ? "" : (s.labels![v] ?? "")) } : {},
      ...s.ys.map((y, i) => ({ label: y.name, stroke: colors[i]!, fill: s.kind === "bar" ? colors[i]! + "99" : undefined, width: 2, ...bars }) as uPlot.Series),
    ],
  };
}
