using System.Globalization;
using ML.Pruning.Samples;
using ML.Pruning.Samples.Arithmetic;
using ML.Pruning.Samples.EmbeddedModel;
using ML.Pruning.Samples.ModelBuilder;
using ML.Pruning.Samples.Reviews;

// The samples, by name. Each ends with the output that it prints for the embedded model.
return args switch
{
    ["demo", .. string[] rest] => Demo.Run(rest),
    ["demo-reload", string zip, string text] => Demo.Reload(zip, text),
    ["prune-and-score", .. string[] rest] when rest.Length < 2 => Example(PruneAndScore.Example, rest),
    ["recover-with-lora", .. string[] rest] when rest.Length < 2 => Example(RecoverWithLora.Example, rest),
    ["drop-layers-and-slice", .. string[] rest] when rest.Length < 2 => Example(DropLayersAndSlice.Example, rest),
    ["compare-pruning-methods", .. string[] rest] when rest.Length < 2 => Example(ComparePruningMethods.Example, rest),
    ["make-smaller", .. string[] rest] when rest.Length < 2 => Example(MakeSmaller.Example, rest),
    ["run-any-onnx-model", .. string[] rest] when rest.Length < 2 => Example(RunAnyOnnxModel.Example, rest),
    ["generate-text", .. string[] rest] when rest.Length < 2 => Example(GenerateText.Example, rest),
    ["chat", .. string[] rest] when rest.Length < 2 => Example(ChatWithModel.Example, rest),
    ["embed-text", .. string[] rest] when rest.Length < 2 => Example(EmbedText.Example, rest),
    ["search-sparsity", .. string[] rest] when rest.Length < 2 => Example(SearchSparsity.Example, rest),
    ["story-model", .. string[] rest] when rest.Length < 2 => Example(UseStoryModel.Example, rest),
    ["fine-tune-sparse", .. string[] rest] when rest.Length < 2 => Example(FineTuneSparse.Example, rest),
    ["move-masks", .. string[] rest] when rest.Length < 2 => Example(MoveMasks.Example, rest),
    ["arithmetic", .. string[] rest] when rest.Length < 2 => Example(LearnArithmetic.Example, rest),
    ["classify-reviews", .. string[] files] when files.Length is 0 or 2 => Classify(files),
    ["train-embedded-model", string output] => Train(output, TrainEmbeddedModel.DefaultSteps),
    ["train-embedded-model", string output, string steps]
        when int.TryParse(steps, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
        => Train(output, count),
    _ => Usage(),
};

static int Example(Action<string> run, string[] model)
{
    run(model.Length > 0 ? model[0] : EmbeddedModelFiles.Folder);
    return 0;
}

static int Classify(string[] files)
{
    ClassifyReviews.Example(files);
    return 0;
}

static int Train(string output, int steps)
{
    TrainEmbeddedModel.Run(output, steps);
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("""
        Usage: demo [MODEL [CALIBRATION EVALUATION]]
               prune-and-score [MODEL]
               recover-with-lora [MODEL]
               drop-layers-and-slice [MODEL]
               compare-pruning-methods [MODEL]
               make-smaller [MODEL]
               run-any-onnx-model [MODEL]
               generate-text [MODEL]
               chat [MODEL]
               embed-text [MODEL]
               search-sparsity [MODEL]
               story-model [MODEL]
               fine-tune-sparse [MODEL]
               move-masks [MODEL]
               arithmetic [MODEL]
               classify-reviews [TRAIN.tsv TEST.tsv]
               train-embedded-model OUTPUT [STEPS]
        MODEL is a Hugging Face folder; without it the embedded model is used.
        """);
    return 2;
}
