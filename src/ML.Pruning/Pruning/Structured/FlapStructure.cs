namespace ML.Pruning.Pruning.Structured;

/// <summary>How FLAP shares the ratio out (An et al. 2023, arXiv:2312.11983, section 3.3).</summary>
public enum FlapStructure
{
    /// <summary>Each layer loses the same fraction of its heads and of its neurons (UL-UM).</summary>
    UlUm,

    /// <summary>Each layer loses the same number of heads, as given, and as many neurons as make up the rest
    /// (UL-MM).</summary>
    UlMm,

    /// <summary>The heads of all layers compete for the number given, and the neurons of all layers for the rest
    /// (AL-MM).</summary>
    AlMm,

    /// <summary>Heads and neurons of all layers compete together, a head for as much as it has parameters
    /// (AL-AM).</summary>
    AlAm,
}
