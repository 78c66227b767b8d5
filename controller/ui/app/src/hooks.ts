import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Polled<T> {
  data?: T;
  error?: string;
  /** When data was last fetched, epoch ms; 0 before the first answer. */
  at: number;
  refresh: () => void;
}

/**
 * Calls load at once and then every period ms while the page is visible. Old
 * data stays beside an error, with its age, so that stale is never shown as fresh.
 */
export function usePolled<T>(load: () => Promise<T>, period: number, key: string): Polled<T> {
  const [state, set] = useState<{ key: string; data?: T; error?: string; at: number }>({ key, at: 0 });
  const latest = useRef(load);
  latest.current = load;
  const tick = useCallback(async () => {
    try {
      const data = await latest.current();
      set({ key, data, at: Date.now() });
    } catch (e) {
      set((s) => ({ ...(s.key === key ? s : { at: 0 }), key, error: (e as Error).message }));
    }
  }, [key]);
  useEffect(() => {
    void tick();
    const id = setInterval(() => {
      if (!document.hidden) void tick();
    }, period);
    return () => clearInterval(id);
  }, [tick, period]);
  const mine = state.key === key ? state : { at: 0 };
  return { ...mine, refresh: () => void tick() };
}

/** The path after # as its segments, decoded. */
export function useRoute(): string[] {
  const read = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
  const [route, set] = useState(read);
  useEffect(() => {
    const on = () => set(read());
    addEventListener("hashchange", on);
    return () => removeEventListener("hashchange", on);
  }, []);
  return route;
}
