import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../../engine/errors.ts';
import { edgeOfObject, type MaskEdge, maskWithEdge, wordsForMask } from '../../engine/pictures/mask-edge.ts';
import {
  EDIT_MODES,
  type EditMode,
  type EditRequest,
  type Engine,
  ZOOMS,
  type ZoomMode,
} from '../../shared/api.ts';
import { COLOUR_STRENGTH, LIMITS } from '../../shared/limits.ts';
import { derivedNames } from '../../shared/names.ts';
import { formatMacs } from '../../shared/units.ts';
import { type ControlOptions, steeringRequest, withControlOptions } from '../control.ts';
import { openEngine } from '../engine.ts';
import { readImages } from '../images.ts';
import { interruptible } from '../interrupt.ts';
import { checkEdge, withEdgeOptions } from '../mask-edge.ts';
import { decimal, promptArgument, wholeNumber, withExamples } from '../options.ts';
import { print } from '../output.ts';
import { Progress, stageWords } from '../progress.ts';
import { Target } from '../target.ts';
import { type WorkerOptions, withWorkerOptions, workerRequest } from '../workers.ts';
import {
  type DrawingOptions,
  drawingRequest,
  figuresOf,
  noteWarnings,
  summaryOf,
  withDrawingOptions,
} from './drawing.ts';
import { maskOfObject } from './objects.ts';

type Extension = NonNullable<EditRequest['extend']>;

type Options = DrawingOptions &
  MaskEdge &
  ControlOptions &
  WorkerOptions & {
    output?: string;
    mask?: string;
    colours?: string;
    object?: string;
    extend?: Extension;
    remove?: boolean;
    editModel?: string;
    strength?: number;
    mode?: EditMode;
    dilation?: number;
    zoom?: ZoomMode;
  };

export function editCommand(): Command {
  const { min, max } = LIMITS.strength;
  const started = new Command('edit')
    .description(
      'Repaint a part of an image, or all of it; what is not repainted keeps its pixels. Without --mask, --object, --colours or --extend the whole image is repainted.',
    )
    .argument('<image>', 'the image to edit')
    .addArgument(promptArgument('what should be there; not needed with --remove').argOptional())
    .option(
      '-o, --output <file>',
      'where to write it: .png, .jpg or .webp (default: beside the image, named after it and the prompt)',
    );
  const command = withPartOptions(started)
    .option(
      '--edit-model <model>',
      'edit with this model, in place of --model and of its inpainting model (default: that, if it is installed)',
    )
    .addOption(
      new Option(
        '--strength <s>',
        `edit strength, ${min}–${max} (${max} ignores the old pixels and colours; ${COLOUR_STRENGTH} if colours are given)`,
      ).argParser(decimal(min, max)),
    )
    .addOption(
      new Option(
        '--mode <mode>',
        'sparse: compute only the part (default for a part); dense: recompute everything; auto: whichever is faster',
      ).choices(EDIT_MODES),
    )
    .addOption(
      new Option('--dilation <n>', 'latent positions around the mask that are computed with it').argParser(
        wholeNumber(LIMITS.dilation.min, LIMITS.dilation.max),
      ),
    )
    .addOption(
      new Option(
        '--zoom <mode>',
        'auto: work on a small mask in an enlarged window, in more detail (default: off)',
      ).choices(ZOOMS),
    );
  return withExamples(
    withWorkerOptions(withControlOptions(withDrawingOptions(command))).action(run),
    'edit lake.png "a blue boat" --mask mask.png -o boat.png',
    'edit lake.png "a green castle" --object "red house"',
    'edit lake.png "a green castle" --object "red house" --grow 8 --feather 4',
    'edit lake.png "a red house" --colours painted.png --strength 0.7',
    'edit lake.png --remove --object "red house"',
    'edit lake.png "a lake at sunset" --extend 0,0,128,0',
    'edit lake.png "a lake in winter" --strength 0.5',
  );
}

/** Which part is repainted. */
function withPartOptions(command: Command): Command {
  const part = command
    .option('--mask <file>', 'an image, white = area to repaint; greys count as white from the middle on')
    .option(
      '--colours <file>',
      'an image in the same size, transparent where nothing is painted: the edit begins with its colours; without a mask it repaints what they cover (see --strength)',
    )
    .option('--object <name>', 'repaint this object, by a name or number that `patchwork objects` lists')
    .addOption(
      new Option(
        '--extend <L,T,R,B>',
        'enlarge the canvas by this many pixels left, top, right, bottom, and paint the new part',
      ).argParser(extension),
    )
    .option('--remove', 'remove what --mask or --object covers: its surroundings are painted over it');
  return withEdgeOptions(part);
}

/** `L,T,R,B` in pixels. */
function extension(text: string): Extension {
  const sides = text.split(',').map((side) => wholeNumber(LIMITS.extension.min, LIMITS.extension.max)(side));
  const [left, top, right, bottom] = sides;
  if (sides.length !== 4)
    throw new InvalidArgumentError('must be four numbers of pixels: left, top, right, bottom.');
  return { left: left!, top: top!, right: right!, bottom: bottom! };
}

/** @throws InputError if the options do not say which part is repainted, and with what */
function checkPart(asked: string | undefined, options: Options): void {
  const { mask, object, extend, colours, remove } = options;
  if ([mask, object, extend].filter((part) => part !== undefined).length > 1)
    throw new InputError('Say once which part to repaint: --mask FILE, --object NAME or --extend L,T,R,B.');
  if (colours !== undefined && (remove || extend))
    throw new InputError('--colours goes with --mask or --object, not with --remove or --extend.');
  if (remove && mask === undefined && object === undefined)
    throw new InputError('Say what to remove: --mask FILE or --object NAME.');
  checkEdge(options, { masked: mask !== undefined || object !== undefined, remove: remove === true });
  if (!remove && asked === undefined) throw new InputError('Say what should be there, or give --remove.');
}

/** The mask of the edit, if it has one, and what the recipe says of it. */
async function maskedPart(
  { image, mask }: { image: Uint8Array; mask?: Uint8Array | undefined },
  object: Awaited<ReturnType<typeof maskOfObject>> | undefined,
  options: Options,
): Promise<Pick<EditRequest, 'mask' | 'softMask' | 'maskOf'> & { warnings?: string[] }> {
  if (!object) return mask ? await maskWithEdge(mask, image, options) : {};
  const edge = edgeOfObject(options, object);
  const maskOf = wordsForMask(object.number, object.name, edge);
  return { ...(await maskWithEdge(object.png!, image, edge)), maskOf };
}

async function run(image: string, asked: string | undefined, options: Options): Promise<void> {
  const {
    output,
    mask,
    colours,
    object,
    extend,
    remove,
    editModel,
    strength,
    mode,
    dilation,
    zoom,
    threads,
  } = options;
  checkPart(asked, options);
  const prompt = asked ?? '';
  const target = await Target.open(output, path.dirname(image));
  const files = await readImages({ image, mask, colours });
  const control = await steeringRequest(options);
  const signal = interruptible(editModel ?? options.model);
  const engine: Engine = await openEngine(options.device);
  const progress = new Progress();
  try {
    const found =
      object === undefined
        ? undefined
        : await maskOfObject(engine, files.image, object, { image, threads, signal, progress });
    const { warnings: read = [], ...part } = await maskedPart(files, found, options);
    const result = await engine.edit(
      {
        ...drawingRequest(options),
        ...control,
        ...workerRequest(options),
        image: files.image,
        ...part,
        colours: files.colours,
        extend,
        remove,
        editModel,
        prompt,
        strength,
        mode,
        dilation,
        zoom,
      },
      { signal, onProgress: ({ stage, step, steps }) => progress.update(stageWords(stage), step, steps) },
    );
    progress.stop();
    const names = derivedNames(path.parse(image).name, prompt || 'removed');
    const written = await target.write(result.picture.png, result.recipe, names);
    noteWarnings([{ warnings: read }, result]);
    const { mode: used, activeFraction, denseMacs, recordedSteps } = result;
    const more = {
      mode: used,
      activeFraction,
      denseMacs,
      recordedSteps,
      ...(found && { object: found.name }),
    };
    print(options, figuresOf(written, result, more), () => {
      const where = found ? `, ${found.name}` : '';
      return `${summaryOf(written, result)} (full recompute: ${formatMacs(denseMacs)})${where}`;
    });
  } finally {
    progress.stop();
    await engine.dispose();
  }
}
