package import Testing

/// Gives the tests of a suite one server to share, as `TestServer.shared`.
package struct ServerTrait: SuiteTrait, TestScoping {
    package let isRecursive = false

    package func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
        try await withServer { server in
            try await TestServer.$shared.withValue(server) { try await function() }
        }
    }
}

extension Trait where Self == ServerTrait {
    package static var server: Self { ServerTrait() }
}
