import java.io.File;
import java.io.FileInputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.Properties;
import liquibase.Contexts;
import liquibase.LabelExpression;
import liquibase.Liquibase;
import liquibase.changelog.ChangeSetStatus;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.DirectoryResourceAccessor;
import org.apache.ibatis.migration.Change;
import org.apache.ibatis.migration.CommandLine;
import org.apache.ibatis.migration.FileMigrationLoader;
import org.apache.ibatis.migration.operations.StatusOperation;
import org.apache.ibatis.migration.options.DatabaseOperationOption;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;

/**
 * Other tools written in Java, each behind the same words:
 *
 * <pre>
 * Run TOOL up URL FOLDER       applies what is pending, as the tool's own command does
 * Run TOOL status URL FOLDER   a line for each migration: "applied ID" or "pending ID", as the tool sees it
 * Run flyway validate|repair URL FOLDER
 * </pre>
 *
 * URL is postgres://user@host:port/database, mysql://user:password@host:port/database, mariadb://... or sqlite:/path.
 * Settings are read from the files that the tools themselves read: flyway.conf in the folder, environments/*.properties
 * and changelog.yaml beside it.
 */
public final class Run {
    private Run() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 4) {
            throw new IllegalArgumentException("usage: TOOL up|status URL FOLDER");
        }
        Jdbc to = Jdbc.of(arguments[2]);
        File folder = new File(arguments[3]).getAbsoluteFile();
        switch (arguments[0]) {
            case "flyway" -> flyway(arguments[1], to, folder);
            case "mybatis" -> mybatis(arguments[1], to, folder);
            case "liquibase" -> liquibase(arguments[1], to, folder);
            default -> throw new IllegalArgumentException(arguments[0] + " is no tool of these");
        }
    }

    private static void flyway(String command, Jdbc to, File folder) throws Exception {
        Properties settings = new Properties();
        File file = new File(folder, "flyway.conf");
        if (file.exists()) {
            try (FileInputStream in = new FileInputStream(file)) {
                settings.load(in);
            }
        }
        Flyway flyway = Flyway.configure()
            .configuration(settings)
            .dataSource(to.url, to.user, to.password)
            .locations("filesystem:" + folder)
            .load();
        switch (command) {
            case "up" -> flyway.migrate();
            case "validate" -> flyway.validate();
            case "repair" -> flyway.repair();
            case "status" -> {
                for (MigrationInfo info : flyway.info().all()) {
                    String id = info.getVersion() == null ? info.getDescription() : info.getVersion().toString();
                    System.out.println((info.getState().isApplied() ? "applied " : "pending ") + id);
                }
            }
            default -> throw unknown(command);
        }
    }

    private static void mybatis(String command, Jdbc to, File folder) throws Exception {
        File repository = folder.getParentFile();
        switch (command) {
            // Its own command line, with the environment file that lies beside the scripts.
            case "up" -> new CommandLine(new String[] {"up", "--path=" + repository}).execute();
            case "status" -> {
                StatusOperation status = new StatusOperation().operate(
                    to::connect,
                    new FileMigrationLoader(folder, "UTF-8", new Properties()),
                    new DatabaseOperationOption(),
                    new PrintStream(OutputStream.nullOutputStream()));
                for (Change change : status.getCurrentStatus()) {
                    System.out.println((change.getAppliedTimestamp() == null ? "pending " : "applied ") + change.getId());
                }
            }
            default -> throw unknown(command);
        }
    }

    private static void liquibase(String command, Jdbc to, File folder) throws Exception {
        File above = folder.getParentFile();
        try (Connection connection = to.connect();
            Liquibase liquibase =
                new Liquibase("changelog.yaml", new DirectoryResourceAccessor(above), new JdbcConnection(connection))) {
            switch (command) {
                case "up" -> liquibase.update();
                case "status" -> {
                    for (ChangeSetStatus status : liquibase.getChangeSetStatuses(new Contexts(), new LabelExpression())) {
                        System.out.println((status.getWillRun() ? "pending " : "applied ") + status.getChangeSet().getId());
                    }
                }
                default -> throw unknown(command);
            }
        }
    }

    private static IllegalArgumentException unknown(String command) {
        return new IllegalArgumentException(command + " is no command of these");
    }

    /** A database, as the drivers call it. */
    private record Jdbc(String url, String user, String password) {
        static Jdbc of(String text) {
            if (text.startsWith("sqlite:")) {
                return new Jdbc("jdbc:" + text, null, null);
            }
            URI uri = URI.create(text);
            String[] user = uri.getUserInfo().split(":", 2);
            String scheme = uri.getScheme().equals("postgres") ? "postgresql" : uri.getScheme();
            String place = "jdbc:" + scheme + "://" + uri.getHost() + ":" + uri.getPort() + uri.getPath();
            String options = switch (scheme) {
                case "mysql" -> "?sslMode=DISABLED&allowPublicKeyRetrieval=true&allowMultiQueries=true";
                case "mariadb" -> "?allowMultiQueries=true";
                default -> "";
            };
            return new Jdbc(place + options, user[0], user.length > 1 ? user[1] : "");
        }

        Connection connect() throws java.sql.SQLException {
            return user == null ? DriverManager.getConnection(url) : DriverManager.getConnection(url, user, password);
        }
    }
}
