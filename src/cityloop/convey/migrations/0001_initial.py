from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="StreamPosition",
            fields=[
                ("stream", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("sequence", models.BigIntegerField()),
                ("moved_at", models.DateTimeField()),
            ],
            options={
                "db_table": "convey_streamposition",
            },
        ),
    ]
