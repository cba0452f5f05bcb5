/// Statements that are replicated as text and run again on every other node, by what can shape them there.
package struct DefinitionKinds: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// CREATE TABLE or SEQUENCE that leaves the engine to the session.
    package static let createWithoutEngine = DefinitionKinds(rawValue: 1 << 0)
    /// CREATE TABLE or SEQUENCE with ENGINE.
    package static let createWithEngine = DefinitionKinds(rawValue: 1 << 1)
    /// CREATE TABLE … SELECT: the server writes the table's definition itself.
    package static let createFromQuery = DefinitionKinds(rawValue: 1 << 2)
    /// ALTER TABLE, CREATE and DROP INDEX, OPTIMIZE, REPAIR.
    package static let alter = DefinitionKinds(rawValue: 1 << 3)
    /// ANALYZE TABLE
    package static let analyze = DefinitionKinds(rawValue: 1 << 4)
    /// Statements about accounts and roles.
    package static let accounts = DefinitionKinds(rawValue: 1 << 5)
    /// CALL, and dynamic SQL that can't be read beforehand: any of the others may be in it.
    package static let hidden = DefinitionKinds(rawValue: 1 << 6)

    /// A routine, trigger or event, which keeps the sql_mode it was made under.
    package static let stored = DefinitionKinds(rawValue: 1 << 7)

    static let create: DefinitionKinds = [createWithoutEngine, createWithEngine, createFromQuery]
}
