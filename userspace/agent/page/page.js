// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Writes what the agent tells (GET /events) into the page: the answers of lodectl -o json, as they are. Texts go in as
// text, never as markup. Rows are written over and not made anew, so that focus, selection and scrolling stay.
"use strict";

const $ = (selector) => document.querySelector(selector);
let last = null; // the answers before, for rates
let now = null;

// --- words -------------------------------------------------------------------------------------

const si = (value) => {
	if (value === null || value === undefined || Number.isNaN(value)) return "–";
	const units = ["", "k", "M", "G", "T"];
	let i = 0;
	while (value >= 999.5 && i < units.length - 1) { value /= 1000; i++; }
	return (value < 10 && i ? value.toFixed(2) : value < 100 && i ? value.toFixed(1) : Math.round(value)) + units[i];
};
const since = (seconds) => {
	if (seconds === null) return "";
	const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
	return days ? `${days} d ${hours} h` : hours ? `${hours} h ${minutes} min` : minutes ? `${minutes} min` : `${Math.floor(seconds)} s`;
};
const withPort = (s) => s.vip === null ? "none" : `${s.vip.includes(":") ? `[${s.vip}]` : s.vip}:${s.port}/${s.protocol}`;
const seconds = () => last ? (now.status.monotonicMillis - last.status.monotonicMillis) / 1000 : 0;
const rate = (before, after) => seconds() > 0 && before !== undefined && before !== null && after >= before ? (after - before) / seconds() : null;

// --- tables ------------------------------------------------------------------------------------

// rows: of each the cells, a text or [text, class].
function fill(id, rows, count, nothing) {
	const body = $(`#${id} tbody`), columns = $(`#${id} thead tr`).children;
	$(`#${id} .count`).textContent = count;
	if (!rows.length) rows = [[[nothing, "soft"]]];
	while (body.rows.length > rows.length) body.deleteRow(-1);
	rows.forEach((cells, i) => {
		const row = body.rows[i] || body.insertRow();
		while (row.cells.length > cells.length) row.deleteCell(-1);
		cells.forEach((cell, k) => {
			const [text, tone] = Array.isArray(cell) ? cell : [cell, ""];
			const td = row.cells[k] || row.insertCell();
			const classes = `${tone}${cells.length > 1 && columns[k].className ? ` ${columns[k].className}` : ""}`.trim();
			if (td.textContent !== String(text)) td.textContent = text;
			if (td.className !== classes) td.className = classes;
			td.colSpan = cells.length === 1 ? columns.length : 1;
		});
	});
}

const severities = { error: "bad", warning: "warn", info: "" };

function showProblems() {
	fill("problems", now.problems.map((p) => [
		[p.severity, severities[p.severity] || ""],
		[p.kind, [p.namespace, p.name].filter(Boolean).join("/")].filter(Boolean).join(" "),
		[p.field, p.message].filter(Boolean).join(": "),
		p.remedy || "",
	]), String(now.problems.length), "none");
}

function showSessions() {
	fill("sessions", now.peers.map((p) => [
		p.name, p.address || p.interface || "", p.asn === null ? "any" : p.asn, p.vrf || "",
		[p.state, p.state === "Established" ? "good" : "bad"],
		[p.bfd === "None" ? "–" : p.bfd, p.bfd === "Up" ? "good" : p.bfd === "None" ? "" : "bad"],
		since(p.uptimeSeconds), p.routesAdvertised, p.routesReceived, p.lastError || "",
	]), `${now.status.peers.established} of ${now.status.peers.total} established`, "no peer is configured");
}

const keyOf = (s) => `${s.namespace}/${s.name} ${withPort(s)}`;

function showServices() {
	const before = new Map(last ? last.services.map((s) => [keyOf(s), s]) : []);
	const word = $("#filter").value.trim().toLowerCase();
	const shown = now.services.filter((s) => keyOf(s).toLowerCase().includes(word));
	const total = now.status.services.total;
	const some = now.services.length < total ? `, the first ${now.services.length} are here` : "";
	fill("services", shown.map((s) => {
		const old = before.get(keyOf(s)) || {};
		const bytes = rate(old.bytes, s.bytes);
		return [
			`${s.namespace}/${s.name}`, withPort(s), [s.announced ? "yes" : s.reason || "no", s.announced ? "good" : "bad"],
			`${s.backends.filter((b) => b.state === "ready").length} of ${s.backends.length}`,
			si(rate(old.packets, s.packets)), si(bytes === null ? null : 8 * bytes), si(s.flows),
		];
	}), `${now.status.services.announced} of ${total} announced${some}`, word ? "none of this name" : "there is none of type LoadBalancer");
}

function showRoutes() {
	const total = now.status.routes.advertised;
	fill("routes", now.routes.map((r) => [
		r.prefix, r.nextHop || "", [...r.communities, ...r.largeCommunities].join(" "), r.peers.join(" "),
	]), `${now.routes.length} here, ${total} advertised to all peers together`, "none is advertised");
}

function showDrops() {
	const drops = Object.entries(now.status.drops).filter(([, n]) => n > 0);
	const rows = drops.map(([reason, n]) => [reason, rate(last ? last.status.drops[reason] : null, n), n])
		.sort((a, b) => (b[1] || 0) - (a[1] || 0) || b[2] - a[2]);
	fill("drops", rows.map(([reason, r, n]) => [[reason, r > 0 ? "warn" : ""], si(r), n, now.status.meanings[reason] || ""]),
		"", "no packet was dropped");
}

// --- plots -------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
const make = (name, attributes) => {
	const e = document.createElementNS(SVG, name);
	for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
	return e;
};

function plot(id, title, values, most) {
	let figure = document.getElementById(id);
	if (!figure) {
		figure = document.createElement("figure");
		figure.id = id;
		const caption = figure.appendChild(document.createElement("figcaption"));
		caption.append(document.createElement("span"), document.createElement("span"));
		const svg = figure.appendChild(make("svg", { viewBox: "0 0 120 40", preserveAspectRatio: "none", role: "img" }));
		svg.append(make("line", { x1: 0, y1: 39, x2: 120, y2: 39 }), make("path", { d: "" }));
		$("#rates .plots").append(figure);
	}
	const known = values.filter((v) => v !== null), top = Math.max(...known, 1);
	let d = "", pen = "M";
	values.forEach((v, i) => {
		if (v === null) { pen = "M"; return; }
		d += `${pen}${120 - values.length + i} ${(39 - 37 * v / top).toFixed(2)}`;
		pen = "L";
	});
	const words = known.length ? `now ${si(known[known.length - 1])}, at most ${si(Math.max(...known))}` : "nothing yet";
	figure.querySelector("span").textContent = title;
	figure.querySelectorAll("span")[1].textContent = words;
	figure.querySelector("path").setAttribute("d", d);
	figure.querySelector("svg").setAttribute("aria-label", `${title}: ${words}`);
	return most;
}

function showRates() {
	plot("plot-packets", "Packets/s", now.rates.packets);
	plot("plot-bits", "Bits/s", now.rates.bits);
	plot("plot-drops", "Drops/s", now.rates.drops);
	plot("plot-flows", "Flows", now.rates.flows);
}

// --- all of it ---------------------------------------------------------------------------------

function showHead() {
	const s = now.status, mode = s.dataplane.devices.map((d) => `${d.name} ${d.mode || d.failure || "–"}`).join(", ");
	document.title = `${s.state === "ok" ? "" : "! "}${s.node} – Lodestone`;
	$("#node").textContent = s.node;
	if ($("#state").textContent !== s.state) $("#state").textContent = s.state;
	$("#state").className = s.state === "ok" ? "good" : "bad";
	$("#facts").textContent = `version ${s.version}, up ${since(s.uptimeSeconds)}, data plane ${s.dataplane.mode}${mode ? ` (${mode})` : ""}`;
}

function show() {
	showHead(); showProblems(); showSessions(); showServices(); showRoutes(); showDrops(); showRates();
	document.body.dataset.told = String(Number(document.body.dataset.told || 0) + 1);
}

// Drawn anew only where it may have changed.
let drawn = "";
function showGraph() {
	const what = JSON.stringify([now.peers.map((p) => [p.name, p.state, p.bfd]), now.status.dataplane.mode,
		now.services.slice(0, 64).map((s) => [keyOf(s), s.announced, s.reason, s.backends.map((b) => [b.address, b.state])])]);
	const total = now.status.services.total;
	$("#topology .count").textContent = total > 64 ? `the first 64 of ${total} ports` : "";
	if (what === drawn) return;
	drawn = what;
	$("#graph").src = `/graph.svg?${Date.now()}`;
}

// --- the stream --------------------------------------------------------------------------------

let source = null;
const isPaused = () => $("#pause").getAttribute("aria-pressed") === "true";

function lost(words) {
	$("#state").textContent = words;
	$("#state").className = "bad";
}

function watch() {
	source = new EventSource("/events");
	source.onmessage = (e) => {
		last = now;
		now = JSON.parse(e.data);
		show();
		showGraph();
	};
	source.onerror = () => {
		last = null;
		lost("the agent does not answer");
		if (source.readyState === EventSource.CLOSED) setTimeout(() => isPaused() || watch(), 5000);
	};
}

$("#pause").addEventListener("click", () => {
	const pause = !isPaused();
	$("#pause").setAttribute("aria-pressed", String(pause));
	$("#pause").textContent = pause ? "Go on" : "Pause";
	if (pause) { source.close(); lost("paused"); last = null; now = now && { ...now }; } else watch();
});
$("#filter").addEventListener("input", () => now && showServices());
watch();
