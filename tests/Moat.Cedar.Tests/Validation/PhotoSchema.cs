namespace Moat.Cedar.Tests.Validation;

/// <summary>A schema with one of everything, and the validator over it.</summary>
internal static class PhotoSchema
{
    public const string Text = """
        entity Group in [Group];
        entity User in [Group] {
          name: String,
          age?: Long,
          manager?: User,
          address: { city: String, zip?: String },
          nicknames: Set<String>,
          friends: Set<User>,
          home: ipaddr,
          since: datetime,
          score: decimal,
        } tags String;
        entity Bot in [Group] { name: String, age?: Long, owner: User };
        entity Album in [Album] { owner: User };
        entity Photo in [Album] { owner: User, public: Bool, width: Long, shown: duration } tags Set<String>;
        entity Color enum ["red", "green"];
        action anything;
        action view in anything appliesTo {
          principal: [User, Bot],
          resource: [Photo],
          context: { from: ipaddr, count?: Long, color: Color },
        };
        action edit in [anything] appliesTo { principal: [User], resource: [Photo, Album], context: {} };
        action rest;
        """;

    public static CedarSchema Schema { get; } = CedarSchema.Parse(Text);

    /// <summary>What is wrong with the policies, as <c>the characters: the message</c>.</summary>
    public static List<string> Problems(string policies, ValidationMode mode = ValidationMode.Strict, CedarSchema? schema = null)
    {
        var source = new SourceText(policies);
        return [.. new PolicyValidator(schema ?? Schema, mode).Validate(PolicySet.Parse(source)).Select(d => $"{d.Severity} {source[d.Span]}: {d.Message}")];
    }

    /// <summary>The problems of a condition, in requests of a user to view a photo.</summary>
    public static List<string> ConditionProblems(string condition, ValidationMode mode = ValidationMode.Strict) =>
        Problems($"permit(principal is User, action == Action::\"view\", resource) when {{ {condition} }};", mode);
}
