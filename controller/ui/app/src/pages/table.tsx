import { api } from "../api";
import { Fault, Section, State, Table } from "../components";
import { bytes, count, duration, micros, millis, unknownOr } from "../format";
import { usePolled } from "../hooks";

export function TablePage(p: { name: string }) {
  return (
    <>
      <h1>{p.name}</h1>
      <Consuming name={p.name} />
      <Segments name={p.name} />
      <Gaps name={p.name} />
      <Definition name={p.name} />
    </>
  );
}

function Consuming(p: { name: string }) {
  const c = usePolled(() => api.consuming(p.name), 2000, p.name);
  return (
    <Section title="Consuming partitions">
      <Fault of={c} />
      {c.data && (
        <Table
          rows={c.data.partitions}
          label="consuming partitions"
          empty="No partition is being consumed."
          cols={[
            { head: "Partition", cell: (r) => r.partition, right: true },
            { head: "State", cell: (r) => <State value={r.state} /> },
            { head: "Server", cell: (r) => r.server },
            { head: "Offset", cell: (r) => r.offset, right: true },
            { head: "End of stream", cell: (r) => r.highWatermark, right: true },
            { head: "Lag", cell: (r) => unknownOr(r.lagRecords, count), right: true },
            { head: "Freshness", cell: (r) => duration(r.freshnessMillis), right: true },
            { head: "Time to data loss", cell: (r) => duration(r.lossHorizonMillis), right: true },
            { head: "Rows", cell: (r) => count(r.rows), right: true },
            { head: "Rows/s", cell: (r) => count(r.rowsPerSecond), right: true },
            { head: "Memory", cell: (r) => bytes(r.memoryBytes), right: true },
            { head: "Error", cell: (r) => r.error ?? "" },
          ]}
        />
      )}
    </Section>
  );
}

function Segments(p: { name: string }) {
  const s = usePolled(() => api.segments(p.name), 3000, p.name);
  return (
    <Section title="Segments">
      <Fault of={s} />
      {s.data && (
        <Table
          rows={[...s.data.segments].reverse()}
          label="segments"
          empty="No segments."
          cols={[
            { head: "Segment", cell: (r) => r.name },
            { head: "Desired", cell: (r) => <State value={r.status} /> },
            {
              head: "Observed",
              cell: (r) => r.replicas.map((x) => <span key={x.instance} title={x.error ?? x.instance}><State value={x.state} /> </span>),
            },
            { head: "Rows", cell: (r) => count(r.rows), right: true },
            { head: "Size", cell: (r) => (r.bytes ? bytes(r.bytes) : ""), right: true },
            { head: "From", cell: (r) => (r.minTime ? micros(r.minTime) : "") },
            { head: "To", cell: (r) => (r.maxTime ? micros(r.maxTime) : "") },
            { head: "Offsets", cell: (r) => `${r.startOffset} … ${r.endOffset}` },
          ]}
        />
      )}
    </Section>
  );
}

function Gaps(p: { name: string }) {
  const g = usePolled(api.gaps, 10000, p.name);
  const rows = (g.data?.gaps ?? []).filter((x) => x.table === p.name);
  if (rows.length === 0 && !g.error) return null;
  return (
    <Section title="Gaps">
      <Fault of={g} />
      <p>Records that had left the stream before they were read.</p>
      <Table
        rows={rows}
        label="gaps"
        empty="None."
        cols={[
          { head: "Partition", cell: (r) => r.partition, right: true },
          { head: "From", cell: (r) => r.from },
          { head: "To", cell: (r) => r.to },
          { head: "Missing", cell: (r) => unknownOr(r.missing, count), right: true },
          { head: "Noticed", cell: (r) => millis(r.timeMillis) },
        ]}
      />
    </Section>
  );
}

function Definition(p: { name: string }) {
  const schema = usePolled(() => api.schema(p.name), 60000, p.name);
  const config = usePolled(() => api.config(p.name), 60000, p.name);
  return (
    <Section title="Definition">
      <Fault of={schema} />
      <Fault of={config} />
      <details>
        <summary>Schema</summary>
        <pre>{JSON.stringify(schema.data, null, 2)}</pre>
      </details>
      <details>
        <summary>Table config</summary>
        <pre>{JSON.stringify(config.data, null, 2)}</pre>
      </details>
    </Section>
  );
}
