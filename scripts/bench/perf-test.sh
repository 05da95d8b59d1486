#!/usr/bin/env bash
# RabbitMQ's own load generator, to compare with: fetched once from Maven Central (needs java and mvn),
# then run with the arguments given.
set -euo pipefail
version=2.16.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ce-load/perf-test-$version

if [[ ! -e $cache/whole ]]; then
    mkdir -p "$cache"
    cat >"$cache/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>ce-load</groupId>
  <artifactId>perf-test</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.rabbitmq</groupId>
      <artifactId>perf-test</artifactId>
      <version>$version</version>
    </dependency>
    <dependency>
      <groupId>ch.qos.logback</groupId>
      <artifactId>logback-classic</artifactId>
      <version>1.2.11</version>
    </dependency>
  </dependencies>
</project>
POM
    mvn -q -B -f "$cache/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DoutputDirectory="$cache/lib" >&2
    touch "$cache/whole"
fi
exec java -cp "$cache/lib/*" com.rabbitmq.perf.PerfTest "$@"
