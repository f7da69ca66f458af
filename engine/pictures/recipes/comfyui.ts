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
          ? [[id, { type: node.class_type, inputs: node.inputs }]]
          : [],
      ),
    ),
  );
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
  LoraLoader: ['lora_name', 'strength_model'],
  LoraLoaderModelOnly: ['lora_name', 'strength_model'],
};

/** The same of a graph as ComfyUI's editor saves it (`workflow`), in which the values of other nodes have no names. */
export function comfyWorkflowRecipe(text: string): ReadRecipe | undefined {
  const json = jsonObject(text);
  const nodes = Array.isArray(json?.nodes) ? json.nodes.filter(isObject) : [];
  const links = new Map<unknown, [string, number]>();
  for (const link of Array.isArray(json?.links) ? json.links : [])
    if (Array.isArray(link)) links.set(link[0], [String(link[1]), Number(link[2])]);
  return recipeOfGraph(
    new Map(
      nodes.map((node): [string, Node] => {
        const inputs: Record<string, unknown> = {};
        const type = textOf(node.type);
        const values = Array.isArray(node.widgets_values) ? node.widgets_values : [];
        const names = Object.hasOwn(WIDGETS, type) ? WIDGETS[type]! : [];
        for (const [i, name] of names.entries()) if (name) inputs[name] = values[i];
        for (const input of Array.isArray(node.inputs) ? node.inputs : [])
          if (isObject(input) && links.has(input.link)) inputs[textOf(input.name)] = links.get(input.link);
        return [String(node.id), { type, inputs }];
      }),
    ),
  );
}

function recipeOfGraph(graph: Graph): ReadRecipe | undefined {
  const sampler = samplerOf(graph);
  if (!sampler) return undefined;
  const settings = new Map<string, string>();
  for (const [input, key] of SETTINGS) {
    const value = settingOf(graph, sampler, input);
    if (value !== undefined && !settings.has(key)) settings.set(key, value);
  }
  const size = along(
    graph,
    sampler,
    ['latent_image', 'samples'],
    ({ inputs }) => 'width' in inputs && 'height' in inputs,
  );
  if (size) setSize(settings, inputOf(graph, size, 'width'), inputOf(graph, size, 'height'));
  const loader = along(
    graph,
    sampler,
    ['model', 'guider'],
    ({ inputs }) => 'ckpt_name' in inputs || 'unet_name' in inputs,
  );
  const model = loader && (inputOf(graph, loader, 'ckpt_name') ?? inputOf(graph, loader, 'unet_name'));
  if (model) settings.set('Model', model.replace(/^.*[/\\]/, '').replace(/\.\w+$/, ''));
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

/** A setting of a sampler, or of the nodes that say its method and its noise levels (`SamplerCustom`). */
function settingOf(graph: Graph, sampler: Node, input: string): string | undefined {
  const own = inputOf(graph, sampler, input);
  if (own !== undefined) return own;
  const [method, levels] = [sampler.inputs.sampler, sampler.inputs.sigmas].map((link) => linked(graph, link));
  const spacing = levels && Object.hasOwn(SIGMA_NODES, levels.type) ? SIGMA_NODES[levels.type] : undefined;
  if (input === 'scheduler' && spacing) return spacing;
  return (method && inputOf(graph, method, input)) ?? (levels && inputOf(graph, levels, input));
}

/** The sampler that an image is saved from, else the last one. */
function samplerOf(graph: Graph): Node | undefined {
  const isSampler = ({ type, inputs }: Node) =>
    /sampler/i.test(type) && 'positive' in inputs && 'negative' in inputs;
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
  const names = [input, 'value', 'text', 'string', 'seed', 'noise_seed', 'int', 'float'];
  const own = names.find((name) => name in next.inputs);
  return own === undefined ? undefined : inputOf(graph, next, own, steps + 1);
}

const CONDITION_LINKS = ['conditioning', 'conditioning_1', 'conditioning_to', 'positive', 'negative'];

/** The text of a sampler's condition. SDXL's nodes have two texts, mostly the same. */
function wordsOf(graph: Graph, sampler: Node, side: 'positive' | 'negative'): string {
  const links = CONDITION_LINKS.filter((link) => link !== (side === 'positive' ? 'negative' : 'positive'));
  const isText = ({ inputs }: Node) => 'text' in inputs || 'text_g' in inputs || 'prompt' in inputs;
  const start = linked(graph, sampler.inputs[side]);
  const node = start && isText(start) ? start : start && along(graph, start, links, isText);
  if (!node) return '';
  const texts = ['text', 'text_g', 'text_l', 'prompt'].flatMap((name) => inputOf(graph, node, name) ?? []);
  return [...new Set(texts.map((words) => textOf(words).trim()))].filter(Boolean).join('\n');
}

/** LoRA files on the way from the checkpoint to the sampler, `name: strength` joined by semicolons. */
function lorasOf(graph: Graph, sampler: Node): string {
  const found: string[] = [];
  let node = linked(graph, sampler.inputs.model);
  for (let step = 0; node && step < MAX_STEPS; step++) {
    const name = inputOf(graph, node, 'lora_name');
    const strength = inputOf(graph, node, 'strength_model') ?? '1';
    if (name) found.unshift(`${name.replace(/^.*[/\\]/, '').replace(/\.\w+$/, '')}: ${strength}`);
    node = linked(graph, node.inputs.model);
  }
  return found.join('; ');
}
