namespace Microsoft.ML.Tokenizers;

/// <summary>What one encoding call asks for.</summary>
public struct EncodeSettings
{
    public EncodeSettings()
    {
        MaxTokenCount = int.MaxValue;
    }

    public bool ConsiderNormalization { get; set; }

    public bool ConsiderPreTokenization { get; set; }

    public int MaxTokenCount { get; set; }
}
