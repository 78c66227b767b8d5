import { api, type Instance, type Overview } from "../api";
import { type Col, Fault, Section, State, Table } from "../components";
import { bytes, count, duration } from "../format";
import { usePolled } from "../hooks";

const counters: { key: keyof Overview["counts"]; label: string }[] = [
  { key: "controllers", label: "Controllers" },
  { key: "brokers", label: "Brokers" },
  { key: "servers", label: "Servers" },
  { key: "minions", label: "Minions" },
  { key: "tenants", label: "Tenants" },
  { key: "tables", label: "Tables" },
];

const instanceCols: Col<Instance>[] = [
  { head: "Instance", cell: (i) => <>{i.id}{i.leader ? " (leader)" : ""}</> },
  { head: "State", cell: (i) => <State value={i.alive ? "alive" : "down"} /> },
  { head: "Tags", cell: (i) => (i.tags ?? []).join(", ") },
  { head: "Health", cell: (i) => healthText(i) },
  { head: "Resident", cell: (i) => (i.residentBytes ? bytes(i.residentBytes) : ""), right: true },
  { head: "Last heartbeat", cell: (i) => duration(i.lastHeartbeatMillis), right: true },
];

function healthText(i: Instance): string {
  const faults = Object.entries(i.health ?? {}).filter(([, v]) => v !== "ok");
  return faults.length === 0 ? "ok" : faults.map(([k, v]) => `${k}: ${v}`).join("; ");
}

export function OverviewPage() {
  const o = usePolled(api.overview, 2000, "overview");
  const d = o.data;
  return (
    <>
      <Fault of={o} />
      {d && (
        <>
          <div class="counters">
            {counters.map((c) => (
              <a key={c.key} class="counter" href={`#/${c.key === "tables" ? "tables" : ""}`} data-counter={c.key}>
                <b>{count(d.counts[c.key])}</b>
                <span>{c.label}</span>
              </a>
            ))}
          </div>
          <Section title="Tables">
            <TableList tables={d.tables} />
          </Section>
          {(["controllers", "brokers", "servers", "minions"] as const).map((role) => (
            <Section key={role} title={role[0]!.toUpperCase() + role.slice(1)}>
              <Table rows={d[role]} cols={instanceCols} label={role} empty={`No ${role}.`} />
            </Section>
          ))}
          <Section title="Tenants">
            <Table
              rows={d.tenants}
              label="tenants"
              empty="No tenants."
              cols={[
                { head: "Tenant", cell: (t) => t.name },
                { head: "Brokers", cell: (t) => count(t.brokers), right: true },
                { head: "Servers", cell: (t) => count(t.servers), right: true },
              ]}
            />
          </Section>
        </>
      )}
    </>
  );
}

export function TableList(p: { tables: Overview["tables"] }) {
  return (
    <Table
      rows={p.tables}
      label="tables"
      empty="No tables yet. Create one with POST /schemas and POST /tables, or alluvium table create."
      cols={[
        { head: "Table", cell: (t) => <a href={`#/tables/${encodeURIComponent(t.name)}`}>{t.name}</a> },
        { head: "Type", cell: (t) => t.type },
        { head: "Rows", cell: (t) => <span data-rows={t.name}>{count(t.rows)}</span>, right: true },
        { head: "Segments", cell: (t) => count(t.segments), right: true },
        { head: "Consuming", cell: (t) => count(t.consuming), right: true },
        { head: "Size", cell: (t) => bytes(t.bytes), right: true },
      ]}
    />
  );
}

export function TablesPage() {
  const o = usePolled(api.overview, 2000, "tables");
  return (
    <>
      <Fault of={o} />
      {o.data && (
        <Section title="Tables">
          <TableList tables={o.data.tables} />
        </Section>
      )}
    </>
  );
}
