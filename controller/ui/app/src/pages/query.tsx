import { useEffect, useRef, useState } from "preact/hooks";
import { api, type QueryResponse } from "../api";
import { Chart } from "../chart";
import { pickSeries } from "../series";
import { cell, count } from "../format";

const example = `SELECT department, count(*) AS orders, sum(price) AS revenue
FROM web_transactions
GROUP BY department
ORDER BY revenue DESC
LIMIT 10`;

const stored = "alluvium.query";
const shown = 1000;

/** SQL in, table and chart out. What was typed survives errors and reloads. */
export function QueryPage() {
  const [sql, setSQL] = useState(() => localStorage.getItem(stored) ?? example);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [answer, setAnswer] = useState<QueryResponse>();
  const [every, setEvery] = useState(0);
  const abort = useRef<AbortController | undefined>(undefined);

  const run = async () => {
    localStorage.setItem(stored, sql);
    abort.current?.abort();
    const ctl = (abort.current = new AbortController());
    setBusy(true);
    try {
      const r = await api.sql(sql, ctl.signal);
      if (ctl.signal.aborted) return;
      setError(r.exceptions.map((e) => e.message).join("\n") || undefined);
      if (r.resultTable) setAnswer(r);
    } catch (e) {
      if (!ctl.signal.aborted) setError((e as Error).message);
    } finally {
      if (abort.current === ctl) setBusy(false);
    }
  };

  useEffect(() => {
    if (every === 0) return;
    const id = setInterval(() => void run(), every);
    return () => clearInterval(id);
  });

  return (
    <>
      <h1>Query</h1>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void run();
        }}
      >
        <label for="sql" class="muted">SQL (Ctrl+Enter runs it)</label>
        <textarea
          id="sql"
          rows={8}
          spellcheck={false}
          value={sql}
          onInput={(e) => setSQL(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) void run();
          }}
        />
        <div class="row">
          <button type="submit" class="primary" id="run">
            {busy ? "Running…" : "Run"}
          </button>
          {busy && (
            <button type="button" onClick={() => { abort.current?.abort(); setBusy(false); }}>
              Cancel
            </button>
          )}
          <label>
            Refresh{" "}
            <select value={every} onChange={(e) => setEvery(Number(e.currentTarget.value))}>
              <option value={0}>off</option>
              <option value={1000}>every second</option>
              <option value={5000}>every 5 s</option>
            </select>
          </label>
        </div>
      </form>
      {error && <pre class="fault" role="alert">{error}</pre>}
      {answer && <Answer a={answer} />}
    </>
  );
}

function Answer(p: { a: QueryResponse }) {
  const t = p.a.resultTable!;
  const names = t.dataSchema.columnNames;
  const types = t.dataSchema.columnDataTypes;
  const series = pickSeries(names, types, t.rows);
  return (
    <>
      <p class="muted" id="stats">
        {count(t.rows.length)} rows in {p.a.timeUsedMs} ms; {count(p.a.numDocsScanned)} of {count(p.a.totalDocs)} documents
        scanned; {p.a.numSegmentsMatched} of {p.a.numSegmentsQueried} segments matched
        {p.a.partialResult && " — PARTIAL RESULT"}
      </p>
      {series && <Chart series={series} />}
      <div class="scroll">
        <table aria-label="result">
          <thead>
            <tr>
              {names.map((n, i) => (
                <th key={i} scope="col" title={types[i]}>{n}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {t.rows.slice(0, shown).map((r, i) => (
              <tr key={i}>
                {r.map((v, j) => (
                  <td key={j} class={typeof v === "number" ? "right" : v === null ? "muted" : ""}>{cell(v)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {t.rows.length > shown && <p class="muted">The first {count(shown)} of {count(t.rows.length)} rows are shown.</p>}
    </>
  );
}
