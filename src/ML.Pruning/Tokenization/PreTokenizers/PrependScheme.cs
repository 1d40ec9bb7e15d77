namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>Where Metaspace puts its marker although no space stands there.</summary>
internal enum PrependScheme
{
    /// <summary>Before every section.</summary>
    Always,

    /// <summary>Before the section that begins the text.</summary>
    First,

    /// <summary>Nowhere.</summary>
    Never,
}
