// Drives the admin UI of a running demo in headless Chromium.
//
//   UI_URL=http://127.0.0.1:9000 node --test e2e/
//
// CHROMIUM names the browser (default /usr/bin/chromium); UI_SHOTS a folder
// for screenshots.
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const base = process.env.UI_URL ?? "http://127.0.0.1:9000";
const shots = process.env.UI_SHOTS;
let context, page;
const foreign = [];
const consoleErrors = [];

before(async () => {
  context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "ui-")), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1300, height: 900 },
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
    ...(process.env.UI_PASSWORD ? { httpCredentials: { username: "admin", password: process.env.UI_PASSWORD } } : {}),
  });
  page = context.pages()[0] ?? (await context.newPage());
  page.on("request", (r) => {
    if (!r.url().startsWith(base) && !r.url().startsWith("data:")) foreign.push(r.url());
  });
  page.on("console", (m) => m.type() === "error" && consoleErrors.push(m.text()));
});

after(() => context?.close());

async function shot(name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

const number = (text) => Number(text.replaceAll(",", ""));

test("the overview counts every role and the demo table grows", async () => {
  const start = Date.now();
  await page.goto(`${base}/`);
  await page.waitForSelector("[data-counter=servers]");
  assert.ok(Date.now() - start < 3000, "the first page took longer than 3 s");
  for (const [name, least] of [["controllers", 1], ["brokers", 1], ["servers", 1], ["tenants", 1], ["tables", 1]]) {
    const n = number(await page.textContent(`[data-counter=${name}] b`));
    assert.ok(n >= least, `${name}: ${n}`);
  }
  const rows = () => page.textContent('[data-rows="web_transactions"]').then(number);
  const before = await rows();
  await page.waitForFunction(
    (n) => Number(document.querySelector('[data-rows="web_transactions"]')?.textContent.replaceAll(",", "")) > n,
    before, { timeout: 15000 });
  await shot("overview");
});

test("the table page shows consuming partitions and segments", async () => {
  await page.click('a[href="#/tables/web_transactions"]');
  await page.waitForSelector('table[aria-label="consuming partitions"] tbody tr');
  await page.waitForSelector('table[aria-label="segments"] tbody tr');
  const states = await page.textContent('table[aria-label="consuming partitions"]');
  assert.match(states, /CONSUMING/);
  await shot("table");
});

test("the query console answers with a table and a chart", async () => {
  await page.goto(`${base}/#/query`);
  await page.waitForSelector("#sql");
  await page.fill("#sql", "SELECT department, count(*) AS orders, sum(price) AS revenue FROM web_transactions GROUP BY department ORDER BY department");
  await page.click("#run");
  await page.waitForSelector('table[aria-label="result"] tbody tr');
  const rows = await page.$$('table[aria-label="result"] tbody tr');
  assert.ok(rows.length >= 2, `${rows.length} rows`);
  await page.waitForSelector("#chart canvas");
  await shot("query");
});

test("a failing query says where, and what was typed stays", async () => {
  await page.fill("#sql", "SELECT depatment FROM web_transactions");
  await page.click("#run");
  await page.waitForSelector("[role=alert]");
  const text = await page.textContent("[role=alert]");
  assert.match(text, /depatment/);
  assert.match(text, /department/, "no hint at the right name");
  assert.equal(await page.inputValue("#sql"), "SELECT depatment FROM web_transactions");
});

test("markup in values is shown as text", async () => {
  await page.fill("#sql", "SELECT '<img src=x onerror=document.title=1>' AS v, count(*) AS n FROM web_transactions");
  await page.click("#run");
  await page.waitForFunction(() => document.querySelector('table[aria-label="result"]')?.textContent.includes("<img"));
  assert.equal(await page.title(), "Alluvium");
});

test("nothing was asked of another host, and no script was refused", () => {
  assert.deepEqual(foreign, []);
  assert.deepEqual(consoleErrors.filter((e) => /Content Security Policy|Uncaught/.test(e)), []);
});
