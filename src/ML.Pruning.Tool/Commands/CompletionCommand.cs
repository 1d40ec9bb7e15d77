using System.CommandLine;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune completion</c>: a script that lets a shell complete commands, options and their
/// values.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _mlprune() {
          local IFS=$'\n'
          COMPREPLY=($(mlprune "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null | grep -F -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _mlprune mlprune
        """;

    private const string Zsh = """
        _mlprune() {
          local -a found
          found=("${(@f)$(mlprune "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
          compadd -a found
          _files
        }
        compdef _mlprune mlprune
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName mlprune -ScriptBlock {
          param($word, $line, $position)
          mlprune "[suggest:$position]" "$line" | ForEach-Object {
            [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
          }
        }
        """;

    public static Command Create()
    {
        Argument<string> shell = new("SHELL") { Description = "bash, zsh or pwsh." };
        shell.CompletionSources.Add("bash", "zsh", "pwsh");
        var command = new Command("completion", "Print a script that lets a shell complete this command.") { shell };
        command.SetAction((parse, _) => Failure.GuardAsync(() => Console.Out.WriteLine(
            parse.GetRequiredValue(shell) switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                "pwsh" => PowerShell,
                string other => throw new UserErrorException($"SHELL is \"{other}\"; supported: bash, zsh, pwsh."),
            })));
        return command;
    }
}
