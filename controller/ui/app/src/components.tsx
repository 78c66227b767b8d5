import type { ComponentChildren } from "preact";
import { duration } from "./format";
import type { Polled } from "./hooks";

export interface Col<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  right?: boolean;
}

/** The one table of all pages. */
export function Table<T>(p: { rows: T[]; cols: Col<T>[]; empty: string; label: string }) {
  if (p.rows.length === 0) return <p class="muted">{p.empty}</p>;
  return (
    <div class="scroll">
      <table aria-label={p.label}>
        <thead>
          <tr>
            {p.cols.map((c) => (
              <th key={c.head} class={c.right ? "right" : ""} scope="col">
                {c.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {p.rows.map((r, i) => (
            <tr key={i}>
              {p.cols.map((c) => (
                <td key={c.head} class={c.right ? "right" : ""}>
                  {c.cell(r)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function State(p: { value: string }) {
  const good = ["ONLINE", "CONSUMING", "DURABLE", "COMMITTED", "alive", "ok"];
  const warn = ["BUILDING", "LOADING", "ENDED", "CATCHING_UP", "RETRYING"];
  const cls = good.includes(p.value) ? "good" : warn.includes(p.value) ? "warn" : "bad";
  return <span class={`state ${cls}`}>{p.value}</span>;
}

/** Shows what went wrong above the data that is still there, with its age. */
export function Fault<T>(p: { of: Polled<T> }) {
  const { error, at } = p.of;
  if (!error) return null;
  return (
    <div class="fault" role="alert">
      {error} {at > 0 && <>What is shown below is {duration(Date.now() - at)} old.</>}{" "}
      <button onClick={p.of.refresh}>Try again</button>
    </div>
  );
}

export function Section(p: { title: string; children: ComponentChildren; id?: string }) {
  return (
    <section id={p.id}>
      <h2>{p.title}</h2>
      {p.children}
    </section>
  );
}
