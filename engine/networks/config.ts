import * as z from 'zod';
import { InputError, quoted } from '../errors.ts';

/** Bounds on numbers of a config, far above any published model, because graphs are built from them. */
export const channelCount = z.number().int().min(1).max(16384);
export const smallCount = z.number().int().min(0).max(64);
export const epsilon = z.number().positive().max(1);

/**
 * Reads an untrusted config. An error names the file, the field and what was expected. A list of equal values counts as
 * one value where one is expected: some tools write a value for each level.
 */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  config: unknown,
  origin: string,
): z.output<Schema> {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const single = withValuesForLists(config, result.error.issues);
  if (single) return parseConfig(schema, single, origin);
  const issue = result.error.issues[0]!;
  const field = issue.path.length > 0 ? issue.path.map(fieldName).join('.') : 'the file';
  throw new InputError(`${origin}: ${field}: ${issue.message}.`);
}

/** The config with its lists of equal values replaced at the issues; undefined if there are none. */
function withValuesForLists(config: unknown, issues: readonly z.core.$ZodIssue[]): object | undefined {
  if (typeof config !== 'object' || config === null) return undefined;
  const lists = issues.flatMap(({ path: [field, ...deeper] }) => {
    if (field === undefined || deeper.length > 0 || !Object.hasOwn(config, field)) return [];
    const value: unknown = config[field as keyof typeof config];
    const repeats = Array.isArray(value) && value.length > 0 && value.every((item) => item === value[0]);
    return repeats && typeof value[0] !== 'object' ? [[field, value[0]] as const] : [];
  });
  return lists.length > 0 ? { ...config, ...Object.fromEntries(lists) } : undefined;
}

/** A field's path for an error message. Known fields are words; others come from the file. */
function fieldName(key: PropertyKey): string {
  return typeof key === 'string' && !/^\w{1,100}$/.test(key) ? quoted(key) : String(key);
}

/** A field with a few supported values, which the error lists. */
export function supported<const T extends readonly (string | number | boolean | null)[]>(values: T) {
  return z.custom<T[number]>((value) => (values as readonly unknown[]).includes(value), {
    error: (issue) =>
      `${quoted(issue.input)} is not supported; supported: ${values.map((v) => JSON.stringify(v)).join(', ')}`,
  });
}

const perChannel = <Value extends z.ZodNumber>(value: Value) => z.array(value).min(1).max(1024).nullish();

/** Mean and standard deviation of each latent channel, with which latents are normalized. */
export const latentStatistics = {
  latents_mean: perChannel(z.number().min(-1e6).max(1e6)),
  latents_std: perChannel(z.number().min(1e-6).max(1e6)),
};

/** @throws InputError unless both lists have a number for each latent channel, or both are absent. */
export function checkLatentStatistics(
  config: { latent_channels: number } & {
    [Field in keyof typeof latentStatistics]?: z.output<(typeof latentStatistics)[Field]>;
  },
  origin: string,
): void {
  const { latents_mean: mean, latents_std: std, latent_channels: channels } = config;
  if (!mean !== !std)
    throw new InputError(
      `${origin}: latents_mean and latents_std go together, but ${mean ? 'latents_std' : 'latents_mean'} is missing.`,
    );
  for (const [field, values] of Object.entries({ latents_mean: mean, latents_std: std }))
    if (values && values.length !== channels)
      throw new InputError(
        `${origin}: ${field} has ${values.length} entries for ${channels} latent channels.`,
      );
}
