namespace ML.Pruning.Inference;

/// <summary>How the states of a text's tokens become one vector.</summary>
public enum TextPooling
{
    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>The last one, which has seen the whole text.</summary>
    Last,
}
