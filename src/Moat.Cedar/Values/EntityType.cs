namespace Moat.Cedar;

/// <summary>The name of an entity type, such as <c>User</c> or <c>PhotoApp::User</c>. Compared by its full spelling.</summary>
public readonly record struct EntityType
{
    private readonly string? name;

    /// <param name="name">Identifiers that are not reserved, joined by <c>::</c>.</param>
    /// <exception cref="FormatException">It is no such name.</exception>
    public EntityType(string name)
    {
        if (!CedarName.IsName(name)) throw new FormatException("an entity type is a name such as User or App::User, without reserved words");
        this.name = name;
    }

    private EntityType(string name, bool _) => this.name = name;

    /// <summary>The full spelling; empty for <c>default</c>, which no entity has.</summary>
    public string Name => name ?? "";

    /// <summary>What stands before the last <c>::</c>; empty without a namespace.</summary>
    public ReadOnlySpan<char> Namespace => Name.LastIndexOf("::", StringComparison.Ordinal) is var end and >= 0 ? Name.AsSpan(0, end) : default;

    /// <summary>What stands after the last <c>::</c>.</summary>
    public ReadOnlySpan<char> BaseName => Name.LastIndexOf("::", StringComparison.Ordinal) is var end and >= 0 ? Name.AsSpan(end + 2) : Name;

    /// <summary>Whether it is <c>Action</c>, in whatever namespace.</summary>
    public bool IsAction => BaseName is "Action";

    /// <summary>For a name that the parser has checked already.</summary>
    internal static EntityType Checked(string name) => new(name, true);

    /// <summary>The full spelling.</summary>
    public override string ToString() => Name;
}
