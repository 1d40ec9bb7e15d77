namespace ML.Pruning.Tests.Architecture;

/// <summary>Compiled code of one type names another type.</summary>
/// <param name="User">Full name of the outermost type whose code, members or bases do the naming.</param>
/// <param name="UserNamespace">Namespace of <paramref name="User"/>.</param>
/// <param name="Used">Full name of the outermost type that is named.</param>
/// <param name="UsedNamespace">Namespace of <paramref name="Used"/>.</param>
/// <param name="UsedAssembly">The assembly of <paramref name="Used"/>; null for the assembly that was read.</param>
internal sealed record TypeUse(
    string User, string UserNamespace, string Used, string UsedNamespace, string? UsedAssembly)
{
    public override string ToString() => $"{User} uses {Used}{(UsedAssembly is null ? "" : $" of {UsedAssembly}")}";
}
