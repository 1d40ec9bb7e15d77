using ML.Pruning.Samples;

// The samples, by name. Each ends with the output that it is expected to print.
return args switch
{
    ["demo", .. string[] rest] => Demo.Run(rest),
    ["demo-reload", string zip] => Demo.Reload(zip),
    ["prune-and-score", string model] => Example(() => PruneAndScore.Example(model)),
    ["generate-text", string model] => Example(() => GenerateText.Example(model)),
    _ => Usage(),
};

static int Example(Action run)
{
    run();
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("Usage: demo [MODEL [CALIBRATION EVALUATION]] | prune-and-score MODEL | generate-text MODEL");
    return 2;
}
