import * as z from 'zod';
import { InputError, quoted } from '../errors.ts';

/** Bounds on numbers from a config, far above any published model: graphs are built from these numbers. */
export const channelCount = z.number().int().min(1).max(16384);
export const smallCount = z.number().int().min(0).max(64);
export const epsilon = z.number().positive().max(1);

/** Reads an untrusted config; an error names the file, the field and what was expected. */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  config: unknown,
  origin: string,
): z.output<Schema> {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.join('.') || 'the file';
  throw new InputError(`${origin}: ${field}: ${issue.message}.`);
}

/** A field of which only some values are supported; the error lists them. */
export function supported<const T extends readonly (string | number | boolean | null)[]>(values: T) {
  return z.custom<T[number]>((value) => (values as readonly unknown[]).includes(value), {
    error: (issue) =>
      `${quoted(issue.input)} is not supported; supported: ${values.map((v) => JSON.stringify(v)).join(', ')}`,
  });
}
