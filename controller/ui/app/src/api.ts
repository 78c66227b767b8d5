// What the controller's HTTP API says, as types, and the calls that the pages
// make. Every failure becomes an Error with the server's own words.

export interface Instance {
  id: string;
  role: string;
  host: string;
  port: number;
  tags: string[] | null;
  alive: boolean;
  leader?: boolean;
  lastHeartbeatMillis: number;
  health?: Record<string, string> | null;
  residentBytes?: number;
}

export interface TableSummary {
  name: string;
  type: string;
  segments: number;
  consuming: number;
  rows: number;
  bytes: number;
}

export interface Overview {
  clusterId: string;
  version: string;
  leader: string;
  counts: { controllers: number; brokers: number; servers: number; minions: number; tenants: number; tables: number };
  controllers: Instance[];
  brokers: Instance[];
  servers: Instance[];
  minions: Instance[];
  tenants: { name: string; brokers: number; servers: number }[];
  tables: TableSummary[];
}

export interface SegmentInfo {
  name: string;
  partition: number;
  status: string;
  rows: number;
  bytes: number;
  minTime?: number;
  maxTime?: number;
  startOffset: string;
  endOffset: string;
  createdMillis: number;
  replicas: { instance: string; state: string; rows: number; error?: string }[];
}

export interface ConsumerInfo {
  partition: number;
  segment: string;
  server: string;
  state: string;
  offset: string;
  highWatermark: string;
  lagRecords: number;
  lagMillis: number;
  freshnessMillis: number;
  lossHorizonMillis: number;
  rows: number;
  rowsPerSecond: number;
  memoryBytes: number;
  error?: string;
}

export interface Gap {
  table: string;
  partition: number;
  from: string;
  to: string;
  missing: number;
  timeMillis: number;
}

export interface QueryResponse {
  resultTable?: { dataSchema: { columnNames: string[]; columnDataTypes: string[] }; rows: unknown[][] };
  exceptions: { errorCode: number; message: string }[];
  timeUsedMs: number;
  numDocsScanned: number;
  totalDocs: number;
  numSegmentsQueried: number;
  numSegmentsMatched: number;
  partialResult: boolean;
  warnings?: string[];
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function request<T>(path: string, init?: RequestInit): Promise<T> {
  let res: Response;
  try {
    res = await fetch(path, { ...init, headers: { Accept: "application/json", ...init?.headers } });
  } catch {
    throw new ApiError(0, "The controller cannot be reached.");
  }
  const text = await res.text();
  if (!res.ok) throw new ApiError(res.status, errorText(res.status, text));
  return JSON.parse(text) as T;
}

/** Takes the message out of an error body {"code", "error"}; falls back to the body itself. */
export function errorText(status: number, body: string): string {
  try {
    const parsed = JSON.parse(body) as { error?: string };
    if (parsed.error) return parsed.error;
  } catch {
    // Not JSON: shown as it is.
  }
  return body.trim() || `HTTP status ${status}`;
}

const enc = encodeURIComponent;

export const api = {
  overview: () => request<Overview>("/v1/overview"),
  schema: (table: string) => request<unknown>(`/tables/${enc(table)}/schema`),
  config: (table: string) => request<unknown>(`/tables/${enc(table)}`),
  segments: (table: string) => request<{ segments: SegmentInfo[] }>(`/v1/tables/${enc(table)}/segments`),
  consuming: (table: string) => request<{ partitions: ConsumerInfo[] }>(`/v1/tables/${enc(table)}/consuming`),
  gaps: () => request<{ gaps: Gap[] }>("/v1/gaps"),
  sql: (sql: string, signal?: AbortSignal) =>
    request<QueryResponse>("/sql", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sql }),
      ...(signal ? { signal } : {}),
    }),
};
