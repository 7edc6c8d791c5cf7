// The text that Prometheus reads → numbers.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One bucket of a histogram: so many in it, and not in the ones before. */
export interface Bucket {
  readonly upTo: number;
  readonly count: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED: Readonly<Record<string, string>> = { "\\n": "\n", '\\"': '"', "\\\\": "\\" };

export function samples(text: string): Sample[] {
  const found: Sample[] = [];
  for (const line of text.split("\n")) {
    const [, name, labels = "", value = ""] = LINE.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = [...labels.matchAll(LABEL)].map(([, key = "", raw = ""]) => [key, raw.replace(/\\[n"\\]/g, (two) => ESCAPED[two] ?? two)]);
    found.push({ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value.replace("Inf", "Infinity")) });
  }
  return found;
}

/** All samples of one name. */
export function named(all: readonly Sample[], name: string): Sample[] {
  return all.filter((sample) => sample.name === name);
}

export function total(all: readonly Sample[], name: string): number {
  return named(all, name).reduce((sum, sample) => sum + sample.value, 0);
}

/** The histogram of that name among those samples, which differ in nothing but the bucket. */
export function histogram(all: readonly Sample[], name: string): Bucket[] {
  const edges = named(all, `${name}_bucket`).map((sample) => ({ upTo: Number(sample.labels["le"]?.replace("+Inf", "Infinity")), count: sample.value }));
  edges.sort((one, other) => one.upTo - other.upTo);
  return edges.map((edge, at) => ({ upTo: edge.upTo, count: edge.count - (edges[at - 1]?.count ?? 0) }));
}

/** About where that part of the values lies: within its bucket they are taken as evenly spread. Null without any. */
export function quantile(buckets: readonly Bucket[], part: number): number | null {
  const wanted = part * buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  if (!wanted) return null;
  let before = 0;
  let from = 0;
  for (const bucket of buckets) {
    if (bucket.count && before + bucket.count >= wanted) {
      return Number.isFinite(bucket.upTo) ? from + ((bucket.upTo - from) * (wanted - before)) / bucket.count : from;
    }
    before += bucket.count;
    from = bucket.upTo;
  }
  return from;
}
