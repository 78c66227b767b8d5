import { render } from "preact";
import { useRoute } from "./hooks";
import { OverviewPage, TablesPage } from "./pages/overview";
import { QueryPage } from "./pages/query";
import { TablePage } from "./pages/table";
import "./style.css";

const links = [
  ["", "Overview"],
  ["tables", "Tables"],
  ["query", "Query"],
] as const;

function App() {
  const route = useRoute();
  const [page = "", name] = route;
  return (
    <>
      <header>
        <a class="brand" href="#/">
          Alluvium
        </a>
        <nav>
          {links.map(([path, label]) => (
            <a key={path} href={`#/${path}`} aria-current={page === path ? "page" : undefined}>
              {label}
            </a>
          ))}
        </nav>
      </header>
      <main>{view(page, name)}</main>
    </>
  );
}

function view(page: string, name?: string) {
  if (page === "") return <OverviewPage />;
  if (page === "query") return <QueryPage />;
  if (page === "tables") return name ? <TablePage name={name} /> : <TablesPage />;
  return <p>There is no page “{page}”.</p>;
}

render(<App />, document.getElementById("app")!);
