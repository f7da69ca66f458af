import { isObject, jsonObject, type ReadRecipe, setSize, textOf } from './json.ts';

/** A node of a graph of ComfyUI: what it does, and its inputs: values, or links to the outputs of others. */
interface Node {
  type: string;
  inputs: Readonly<Record<string, unknown>>;
}
type Graph = ReadonlyMap<string, Node>;

/** Links that are followed from one node; a graph may have circles. */
const MAX_STEPS = 100;

const SETTINGS: readonly (readonly [string, string])[] = [
  ['seed', 'Seed'],
  ['noise_seed', 'Seed'],
  ['steps', 'Steps'],
  ['cfg', 'CFG scale'],
  ['sampler_name', 'Sampler'],
  ['scheduler', 'Schedule type'],
  ['denoise', 'Denoising strength'],
];

/** Nodes whose effect a recipe cannot hold, and their names in sentences. */
const UNTOLD: readonly (readonly [RegExp, string])[] = [
  [/ControlNet|T2IAdapter/i, 'ControlNet'],
  [/IPAdapter/i, 'IP-Adapter'],
  [/Upscale/i, 'Upscaling'],
  [/^VAELoader/, 'VAE'],
  [/^VAEEncode/, 'Image to begin with'],
  [/Detailer/i, 'Detailer'],
  [/Conditioning(?:SetArea|SetMask|Combine|Concat|Average)|AttentionCouple/, 'Several prompts'],
  [/RescaleCFG|PerturbedAttention|SelfAttentionGuidance|SkipLayerGuidance/, 'Guidance'],
  [/FreeU/i, 'FreeU'],
  [/HyperTile|ToMe|DeepCache/i, 'Speed-up'],
  [/CLIPSetLastLayer/i, 'Clip skip'],
];

/**
 * The recipe in a graph of ComfyUI as it was run (`prompt`): the settings of the sampler whose result is saved, and the
 * texts, the checkpoint, the LoRA files and the size that lead to it. Undefined if it has no sampler that is known.
 */
export function comfyRecipe(text: string): ReadRecipe | undefined {
  const nodes = Object.entries(jsonObject(text) ?? {});
  return recipeOfGraph(
    new Map(
      nodes.flatMap(([id, node]): [string, Node][] =>
        isObject(node) && typeof node.class_type === 'string' && isObject(node.inputs)
          ? [[id, nodeOf(node.class_type, node.inputs)]]
          : [],
      ),
    ),
  );
}

/** The words that lead to a condition of zeros have no effect. */
function nodeOf(type: string, inputs: Node['inputs']): Node {
  return { type, inputs: type === 'ConditioningZeroOut' ? {} : inputs };
}

/** Values of the usual nodes in the order in which a saved graph (`workflow`) has them, without their names. */
const WIDGETS: Readonly<Record<string, readonly string[]>> = {
  KSampler: ['seed', '', 'steps', 'cfg', 'sampler_name', 'scheduler', 'denoise'],
  KSamplerSelect: ['sampler_name'],
  BasicScheduler: ['scheduler', 'steps', 'denoise'],
  KarrasScheduler: ['steps'],
  ExponentialScheduler: ['steps'],
  AlignYourStepsScheduler: ['', 'steps', 'denoise'],
  SamplerCustom: ['', 'noise_seed', '', 'cfg'],
  KSamplerAdvanced: ['', 'noise_seed', '', 'steps', 'cfg', 'sampler_name', 'scheduler'],
  CLIPTextEncode: ['text'],
  CheckpointLoaderSimple: ['ckpt_name'],
  UNETLoader: ['unet_name'],
  EmptyLatentImage: ['width', 'height'],
  EmptySD3LatentImage: ['width', 'height'],
  EmptyFlux2LatentImage: ['width', 'height'],
  Flux2Scheduler: ['steps'],
  RandomNoise: ['noise_seed'],
  CFGGuider: ['cfg'],
  PrimitiveNode: ['value'],
  LoraLoader: ['lora_name', 'strength_model'],
  LoraLoaderModelOnly: ['lora_name', 'strength_model'],
};

/** A link of a saved graph: the node that it comes from, and which of its outputs. */
type Origin = readonly [node: string, output: number];

/** How ComfyUI's editor marks nodes that are not run, and those that pass on what they get. */
const [MUTED, BYPASSED] = [2, 4];

/** The same of a graph as ComfyUI's editor saves it (`workflow`), in which the values of other nodes have no names. */
export function comfyWorkflowRecipe(text: string): ReadRecipe | undefined {
  const json = jsonObject(text);
  const saved = (Array.isArray(json?.nodes) ? json.nodes : []).filter(isObject);
  const links = new Map<unknown, Origin>();
  for (const link of Array.isArray(json?.links) ? json.links : [])
    if (Array.isArray(link)) links.set(link[0], [String(link[1]), Number(link[2])]);
    else if (isObject(link)) links.set(link.id, [String(link.origin_id), Number(link.origin_slot)]);
  const byId = new Map(saved.map((node) => [String(node.id), node]));
  const nodes = saved.flatMap((node): [string, Node][] => {
    if (node.mode === MUTED || node.mode === BYPASSED) return [];
    const inputs = widgetsOf(node);
    for (const input of listOf(node.inputs)) {
      const [name, origin] = [textOf(input.name), originOf(links.get(input.link), byId, links)];
      if (origin || !(name in inputs)) inputs[name] = origin;
    }
    return [[String(node.id), nodeOf(textOf(node.type), inputs)]];
  });
  return recipeOfGraph(new Map(nodes));
}

/** The values of a saved node by the names of its inputs. */
function widgetsOf(node: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const inputs: Record<string, unknown> = {};
  const type = textOf(node.type);
  const values = Array.isArray(node.widgets_values) ? node.widgets_values : [];
  const names = Object.hasOwn(WIDGETS, type) ? WIDGETS[type]! : [];
  for (const [i, name] of names.entries()) if (name) inputs[name] = values[i];
  // Lists of LoRA files name their fields.
  for (const [i, value] of values.entries())
    if (isObject(value) && 'lora' in value) inputs[`lora_${i}`] = value;
  return inputs;
}

/** Where a link begins, beyond nodes that pass on what they get. */
function originOf(
  link: Origin | undefined,
  nodes: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
  links: ReadonlyMap<unknown, Origin>,
): Origin | undefined {
  let origin = link;
  for (let step = 0; origin && step < MAX_STEPS; step++) {
    const node = nodes.get(origin[0]);
    if (!node || node.mode === MUTED) return undefined;
    if (node.mode !== BYPASSED && node.type !== 'Reroute') return origin;
    const type = listOf(node.outputs)[origin[1]]?.type;
    const inputs = listOf(node.inputs);
    origin = links.get((inputs.find((input) => input.type === type) ?? inputs[0])?.link);
  }
  return undefined;
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Names of the inputs that say how large an image is. */
const SIDES = [
  ['width', 'height'],
  ['empty_latent_width', 'empty_latent_height'],
] as const;

function recipeOfGraph(graph: Graph): ReadRecipe | undefined {
  const sampler = samplerOf(graph);
  if (!sampler) return undefined;
  const settings = new Map<string, string>();
  for (const [input, key] of SETTINGS) {
    const value = settingOf(graph, sampler, input);
    if (value !== undefined && !settings.has(key)) settings.set(key, value);
  }
  const size = along(graph, sampler, ['latent_image', 'samples'], ({ inputs }) =>
    SIDES.some(([width, height]) => width in inputs && height in inputs),
  );
  for (const [width, height] of size ? SIDES : [])
    if (width in size!.inputs) setSize(settings, inputOf(graph, size!, width), inputOf(graph, size!, height));
  const loader = along(
    graph,
    sampler,
    ['model', 'guider'],
    ({ inputs }) => 'ckpt_name' in inputs || 'unet_name' in inputs,
  );
  const model = loader && (inputOf(graph, loader, 'ckpt_name') ?? inputOf(graph, loader, 'unet_name'));
  if (model) settings.set('Model', plainName(model));
  const loras = lorasOf(graph, sampler);
  if (loras) settings.set('Loras', loras);
  for (const { type } of graph.values())
    for (const [pattern, name] of UNTOLD) if (pattern.test(type)) settings.set(name, type);
  if (settings.get('Denoising strength') === '1') settings.delete('Denoising strength');
  return {
    prompt: wordsOf(graph, sampler, 'positive'),
    negativePrompt: wordsOf(graph, sampler, 'negative'),
    settings,
  };
}

/** How nodes that give a sampler its noise levels space them. */
const SIGMA_NODES: Readonly<Record<string, string>> = {
  KarrasScheduler: 'karras',
  ExponentialScheduler: 'exponential',
  AlignYourStepsScheduler: 'ays',
};

/**
 * A setting of a sampler, or of the nodes that say its method, its noise levels, its guidance and its noise
 * (`SamplerCustom`, `SamplerCustomAdvanced`).
 */
function settingOf(graph: Graph, sampler: Node, input: string): string | undefined {
  const own = inputOf(graph, sampler, input);
  if (own !== undefined) return own;
  const levels = linked(graph, sampler.inputs.sigmas);
  const spacing = levels && Object.hasOwn(SIGMA_NODES, levels.type) ? SIGMA_NODES[levels.type] : undefined;
  if (input === 'scheduler' && spacing) return spacing;
  for (const part of ['sampler', 'sigmas', 'guider', 'noise']) {
    const node = linked(graph, sampler.inputs[part]);
    const value = node && inputOf(graph, node, input);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The sampler that an image is saved from, else the last one. */
function samplerOf(graph: Graph): Node | undefined {
  const isSampler = ({ type, inputs }: Node) =>
    /sampler/i.test(type) && (('positive' in inputs && 'negative' in inputs) || 'guider' in inputs);
  for (const node of graph.values()) {
    if (!/save|preview/i.test(node.type)) continue;
    const found = along(graph, node, ['images', 'image', 'samples', 'pixels', 'latent_image'], isSampler);
    if (found) return found;
  }
  return [...graph.values()].findLast(isSampler);
}

/** The first node that fits, from one on along links of these names. */
function along(
  graph: Graph,
  from: Node,
  links: readonly string[],
  fits: (node: Node) => boolean,
): Node | undefined {
  const open = [from];
  for (let step = 0; step < MAX_STEPS; step++) {
    const node = open.shift();
    if (!node) return undefined;
    if (node !== from && fits(node)) return node;
    for (const link of links) {
      const next = linked(graph, node.inputs[link]);
      if (next) open.push(next);
    }
  }
  return undefined;
}

function linked(graph: Graph, link: unknown): Node | undefined {
  return Array.isArray(link) && link.length === 2 ? graph.get(String(link[0])) : undefined;
}

/** An input's text or number; for a link, the value of the node it leads to. */
function inputOf(graph: Graph, node: Node, input: string, steps = 0): string | undefined {
  const value = node.inputs[input];
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  const next = linked(graph, value);
  if (!next || steps > MAX_STEPS) return undefined;
  const names = [input, 'value', 'text', 'string', 'populated_text', 'seed', 'noise_seed', 'int', 'float'];
  const own = names.find((name) => name in next.inputs);
  return own === undefined ? undefined : inputOf(graph, next, own, steps + 1);
}

const CONDITION_LINKS = ['conditioning', 'conditioning_1', 'conditioning_to', 'positive', 'negative'];

/** The text of a sampler's condition, or of its guider's. SDXL's nodes have two texts, mostly the same. */
function wordsOf(graph: Graph, sampler: Node, side: 'positive' | 'negative'): string {
  const links = CONDITION_LINKS.filter((link) => link !== (side === 'positive' ? 'negative' : 'positive'));
  // Some loaders have the words of both sides themselves.
  const names = ['text', 'text_g', 'text_l', 'prompt', `${side}_prompt`];
  const isText = ({ inputs }: Node) =>
    names.some((name) => name !== 'text_l' && name in inputs) || typeof inputs[side] === 'string';
  const from = linked(graph, sampler.inputs.guider) ?? sampler;
  const condition = from.inputs[side] ?? (side === 'positive' ? from.inputs.conditioning : undefined);
  const start = linked(graph, condition);
  const node = start && isText(start) ? start : start && along(graph, start, links, isText);
  if (!node) return '';
  const own = typeof node.inputs[side] === 'string' ? [side] : names;
  const texts = own.flatMap((name) => inputOf(graph, node, name) ?? []);
  return [...new Set(texts.map((words) => textOf(words).trim()))].filter(Boolean).join('\n');
}

/** LoRA files on the way from the checkpoint to the sampler, `name: strength` joined by semicolons. */
function lorasOf(graph: Graph, sampler: Node): string {
  const found: string[] = [];
  let node = linked(graph, sampler.inputs.model) ?? linked(graph, sampler.inputs.guider);
  for (let step = 0; node && step < MAX_STEPS; step++) {
    const stack = linked(graph, node.inputs.lora_stack);
    found.unshift(...(stack ? lorasIn(graph, stack) : []), ...lorasIn(graph, node));
    node = linked(graph, node.inputs.model);
  }
  return found.join('; ');
}

/** Names of the inputs that say how strong a LoRA is, with the number of one in a list behind them. */
const STRENGTHS = [
  'strength_model',
  'lora_model_strength',
  'lora_wt',
  'model_weight',
  'model_str',
  'strength',
];
/** LoRA files that one node can name. */
const MAX_LORAS = 50;

/** The LoRA files of a node: one, a list with numbers, or fields of their own (rgthree's). */
function lorasIn(graph: Graph, node: Node): string[] {
  const numbered = Array.from({ length: MAX_LORAS }, (_, i) => `_${i + 1}`);
  const listed = ['', ...numbered].flatMap((number): [string, string][] => {
    const name = inputOf(graph, node, `lora_name${number}`);
    if (name === undefined || node.inputs[`switch${number}`] === 'Off') return [];
    const strengths = STRENGTHS.map((one) => inputOf(graph, node, one + number));
    return [[name, strengths.find((one) => one !== undefined) ?? '1']];
  });
  const fields = Object.values(node.inputs).flatMap((value): [string, string][] =>
    isObject(value) && typeof value.lora === 'string' && value.on !== false
      ? [[value.lora, String(value.strength ?? 1)]]
      : [],
  );
  return [...listed, ...fields]
    .filter(([name]) => name !== '' && name !== 'None')
    .map(([name, strength]) => `${plainName(name)}: ${strength}`);
}

/** A file's name without its folder and ending. */
function plainName(file: string): string {
  return file.replace(/^.*[/\\]/, '').replace(/\.\w+$/, '');
}
