"""How much is measured: on a GPU, and in miniature."""

from dataclasses import dataclass

# Those that differ from another only in their activation come last.
ARCHITECTURES = (
    "deepnet", "eegnet", "shallow_fbcsp", "deep4", "eegconformer", "atcnet", "deepsleepnet",
    "eegnet_relu", "deep4_relu",
)  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes
    ----------
    channels : tuple of str
        Electrodes; the study's 62 if empty.
    architectures : tuple of str
        Decoders that are trained and explained.
    compiled : tuple of str
        Those that are compiled too, which takes long.
    methods, evaluated : tuple of str
        Methods that are timed, and those that are evaluated; all of the study's if empty.
    mode, checks : str and tuple of str
        How they are evaluated; fields of EvaluationSpec.
    n_train, n_validation : int
        Trials of an epoch of training, and of its validation.
    batch_sizes : tuple of int
        Trials a step; 0 is what the architecture recommends.
    n_epochs : int
        Epochs that are timed, after one that is not.
    n_explained : tuple of int
        Trials that are explained and evaluated.
    n_compared : int
        Trials whose maps are compared with the CPU's.
    n_scored : int
        Trials whose scores are.
    n_trained : int
        Trials of each training that is judged by its accuracy.
    n_epochs_trained, n_seeds : int
        Its epochs, and how many there are.
    n_processes : tuple of int
        Decoders that share the device.
    chunks : tuple of int
        Values of the option ``chunk`` of methods.
    side : int
        Rows of the square matrices whose product measures the device's peak.
    """

    channels: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ARCHITECTURES
    compiled: tuple[str, ...] = ("deepnet", "eegnet")
    methods: tuple[str, ...] = ()
    evaluated: tuple[str, ...] = ()
    mode: str = "corrected"
    checks: tuple[str, ...] = ("target_swap", "cascade")
    n_train: int = 4096
    n_validation: int = 512
    batch_sizes: tuple[int, ...] = (0, 256)
    n_epochs: int = 2
    n_explained: tuple[int, ...] = (512, 4096)
    n_compared: int = 4
    n_scored: int = 16
    n_trained: int = 2048
    n_epochs_trained: int = 8
    n_seeds: int = 2
    n_processes: tuple[int, ...] = (1, 2, 4, 8)
    chunks: tuple[int, ...] = (1, 2, 8, 32)
    side: int = 8192


MINIATURE = Sizes(
    channels=("Fz", "Cz", "Pz", "Oz"),
    architectures=("deepnet",),
    compiled=(),
    methods=("Saliency", "LayerCAM"),
    evaluated=("Saliency",),
    mode="study",
    checks=(),
    n_train=4,
    n_validation=4,
    batch_sizes=(4,),
    n_epochs=1,
    n_explained=(4,),
    n_compared=1,
    n_scored=4,
    n_trained=8,
    n_epochs_trained=1,
    n_seeds=1,
    n_processes=(2,),
    chunks=(1,),
    side=64,
)
