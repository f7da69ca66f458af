import { InputError } from '../../engine/errors.ts';
import { type BenchmarkReport, reportSchema } from '../../shared/benchmark/schema.ts';

/** Bytes of a file of one run; a profiled one has some kilobytes a row. */
export const MAX_REPORT_BYTES = 8 << 20;

/**
 * A run from the JSON that `patchwork bench` prints and the panel exports. Its pictures are not in it.
 * @throws InputError naming the file
 */
export function readReport(bytes: Uint8Array, name: string): BenchmarkReport {
  const refuse = (why: string) => new InputError(`${name} is not a Patchwork benchmark file (${why}).`);
  if (bytes.length > MAX_REPORT_BYTES) throw refuse('it is too large');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new InputError(`${name} is not valid JSON.`);
  }
  if (Array.isArray(json)) throw refuse('it holds several runs; export them one by one');
  const parsed = reportSchema.safeParse(json);
  if (!parsed.success) throw refuse(`“${parsed.error.issues[0]!.path.join('.')}” is missing or invalid`);
  return { ...parsed.data, rows: parsed.data.rows.map((row) => ({ ...row, picture: null })) };
}
