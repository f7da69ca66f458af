import type { Dtype } from '../source.ts';

/** Element types of PyTorch's storages. */
export const STORAGES: Readonly<Record<string, Dtype>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};

export const TENSOR_CALLS = ['torch._utils._rebuild_tensor', 'torch._utils._rebuild_tensor_v2'];
export const PARAMETER_CALLS = ['torch._utils._rebuild_parameter'];
/** Dictionaries of their own class. */
export const DICTIONARIES = ['collections.OrderedDict', 'torch.nn.modules.container.ParameterDict'];

/** Names that checkpoints of training have beside their tensors; their values are ignored. */
const IDLE = [
  'torch.Size',
  'torch.device',
  'torch.float16',
  'torch.float32',
  'torch.float64',
  'torch.bfloat16',
  'torch.int64',
  'numpy.dtype',
  'numpy.ndarray',
  'numpy.core.multiarray.scalar',
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray.scalar',
  'numpy._core.multiarray._reconstruct',
  '_codecs.encode',
  '__builtin__.set',
  'builtins.set',
  'pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint',
  'pytorch_lightning.callbacks.early_stopping.EarlyStopping',
];

const KNOWN = new Set([
  ...Object.keys(STORAGES),
  ...TENSOR_CALLS,
  ...PARAMETER_CALLS,
  ...DICTIONARIES,
  ...IDLE,
]);

/** Whether a pickle may name this. Nothing of it is looked up or run. */
export function isKnownName(path: string): boolean {
  return KNOWN.has(path);
}
