import type { Precision } from '../../shared/api.ts';
import type { BenchmarkMask, BenchmarkRequest, RowIdentity } from '../../shared/benchmark/report.ts';
import { InputError } from '../errors.ts';

/** Properties that all cases have. */
export interface NamedCase {
  /** Its name in `patchwork bench`. */
  readonly name: string;
  readonly mode: 'dense' | 'sparse';
  /** Runs once for each mask. */
  readonly masked: boolean;
  /** Runs once for each number of workers. */
  readonly shared?: boolean;
  /** Share of a full image's work that it is expected to take; 1 if absent. */
  readonly work?: number;
  /** Supported precisions; all if absent. */
  readonly precisions?: readonly Precision[];
}

/** One case in one setting. */
export interface Variant<Case, Mask> {
  chosen: Case;
  mask: Mask | undefined;
  precision: Precision;
  workers: number;
  identity: RowIdentity;
  /** A request that runs this variant alone. */
  alone: BenchmarkRequest;
}

/**
 * The request's cases times masks times precisions times workers, in the order of the rows.
 * @param masks the request's masks, converted for the cases
 * @throws InputError for an unknown case, or one that takes a mask if there is none
 */
export function variantsOf<Case extends NamedCase, Mask>(
  request: BenchmarkRequest,
  known: readonly Case[],
  masks: readonly Mask[],
): Variant<Case, Mask>[] {
  const { precisions = ['fp32'], workers: workerCounts = [2] } = request;
  return request.cases.flatMap((name) => {
    const chosen = caseNamed(name, known);
    const possible = precisions.filter((precision) => chosen.precisions?.includes(precision) ?? true);
    if (possible.length === 0)
      throw new InputError(`The case ${name} runs in ${chosen.precisions!.join(' or ')} only.`);
    if (chosen.masked && masks.length === 0)
      throw new InputError(`The case ${name} needs a mask: give --mask.`);
    const chosenMasks = chosen.masked ? masks.map((mask, i) => ({ mask, asked: request.masks![i] })) : [{}];
    return chosenMasks.flatMap(({ mask, asked }: { mask?: Mask; asked?: BenchmarkMask }) =>
      possible.flatMap((precision) =>
        (chosen.shared ? workerCounts : [1]).map((workers) => ({
          chosen,
          mask,
          precision,
          workers,
          identity: {
            case: name,
            mask: asked?.name ?? null,
            mode: chosen.mode,
            precision,
            workers,
            ...(request.attention &&
              !isReference({ case: name, precision }) && { attention: request.attention }),
          },
          alone: {
            ...request,
            cases: [name],
            precisions: [precision],
            workers: [workers],
            masks: asked && [asked],
          },
        })),
      ),
    );
  });
}

/** Whether other results are compared with this one. */
export function isReference({ case: name, precision }: Pick<RowIdentity, 'case' | 'precision'>): boolean {
  return name === 'dense' && precision === 'fp32';
}

function caseNamed<Case extends NamedCase>(name: string, known: readonly Case[]): Case {
  const found = known.find((other) => other.name === name);
  if (!found) {
    const names = known.map((other) => other.name).join(', ');
    throw new InputError(`Unknown benchmark case ${name}; known: ${names}.`);
  }
  return found;
}
