#!/usr/bin/env dotnet
#:project ../../ML.Pruning/ML.Pruning.csproj
#:package TorchSharp-cpu
#:property PublishAot=false

// A pipeline in one file: dotnet run prune.cs MODEL CALIBRATION.jsonl OUTPUT.zip
// Outside this repository the first line is "#:package ML.Pruning@0.1.0".
using Microsoft.ML;
using ML.Pruning.Pruning;

if (args is not [string model, string calibrationFile, string output])
{
    Console.Error.WriteLine("Usage: dotnet run prune.cs MODEL CALIBRATION.jsonl OUTPUT.zip");
    return 2;
}

var ml = new MLContext(seed: 1);
IDataView calibration = ml.Data.LoadLlmText(calibrationFile);
var pipeline = ml.Transforms.LoadLlm("Model", model)
    .Append(ml.Transforms.PruneLlm("Model", "Text", new Wanda { Sparsity = 0.5 }))
    .Append(ml.Transforms.GenerateText("Story", "Model", "Text"));
using var fitted = pipeline.Fit(calibration);
using var compact = ml.Model.CompactLlm(fitted);
ml.Model.Save(compact, calibration.Schema, output);
Console.WriteLine($"{output}: {new FileInfo(output).Length:N0} bytes");
return 0;
