namespace ML.Pruning.Samples.EmbeddedModel;

/// <summary>Where the embedded model is, and the text that it is measured on.</summary>
public static class EmbeddedModelFiles
{
    /// <summary>Stories to calibrate on.</summary>
    public const int CalibrationStories = 400;

    /// <summary>Seed of those stories.</summary>
    public const int CalibrationSeed = 1;

    /// <summary>Stories that its perplexity is measured on.</summary>
    public const int EvaluationStories = 200;

    /// <summary>Seed of those stories; none of them was drawn for training.</summary>
    public const int EvaluationSeed = 2;

    /// <summary>The Hugging Face folder beside the program.</summary>
    public static string Folder => Path.Combine(AppContext.BaseDirectory, "EmbeddedModel");
}
