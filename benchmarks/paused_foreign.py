"""What people say to an assistant in other languages, and where they pause in it; marked as in paused_texts.py."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """What is said in one language."""

    paused: tuple[str, ...]
    """`|` between clauses, `~` in the middle of one or after a filler; even ones are for tuning, odd ones for testing."""
    unpaused: tuple[str, ...]
    """True ends only."""
    fillers: frozenset[str]
    """A pause after one of these with a comma is a filler's, whatever its mark."""


FRENCH = Texts(
    (
        "Peux tu me dire | combien de temps il faut pour cuire un œuf?",
        "Je voudrais ~ réserver une table pour deux personnes ce soir.",
        "Quelle est la ~ capitale de la Suisse?",
        "Quand je rentre le soir, | allume la lumière de la cuisine, s'il te plaît.",
        "Mon frère a déménagé au Portugal, | et maintenant il veut que je ~ lui rende visite.",
        "Mets un minuteur de ~ vingt minutes.",
        "S'il pleut demain, | rappelle moi de prendre ~ mon parapluie.",
        "Raconte moi une histoire sur ~ un renard et une rivière.",
        "La réunion est jeudi, | mais je ne sais pas ~ à quelle heure elle commence.",
        "Je lis un livre | sur l'histoire de ~ la Rome antique.",
        "Combien de ~ pattes a une araignée?",
        "Tu crois | que je devrais prendre le train ~ ou le bus?",
        "Appelle ma ~ sœur demain soir.",
        "J'ai oublié le nom de ~ cet acteur.",
        "Quelle planète est ~ la plus proche du soleil?",
        "Rappelle moi d'arroser ~ les plantes samedi.",
        "Je cherche, euh, ~ un cadeau pour mon père.",
        "Quand part le ~ prochain train pour l'aéroport?",
        "Ma sœur est infirmière, | et elle travaille ~ surtout la nuit.",
        "Éteins la ~ lumière de la cuisine.",
        "Après le concert, | nous sommes allés dans un petit restaurant ~ près de la gare.",
        "Le médecin m'a dit | de boire plus ~ d'eau chaque jour.",
        "Pourquoi le ciel | devient rouge ~ le soir?",
        "Mon téléphone ne marche plus, | et le magasin ~ ne peut pas le réparer.",
    ),
    (
        "Quelle heure est il?", "Oui, ce serait gentil, merci.", "Monte le son.", "Non, l'autre.", "Bonjour.", "Paris.",
        "Peut être la semaine prochaine.", "Où est mon téléphone?", "Raconte moi une blague.", "C'est tout pour aujourd'hui.",
    ),
    frozenset({"euh", "alors", "bon"}),
)  # fmt: skip

SPANISH = Texts(
    (
        "Puedes decirme | cuánto tiempo tarda en cocerse un huevo?",
        "Me gustaría ~ reservar una mesa para dos personas esta noche.",
        "Cuál es la ~ capital de Australia?",
        "Cuando llegue a casa por la noche, | enciende las luces de la cocina.",
        "Mi hermano se mudó a Portugal, | y ahora quiere que ~ lo visite.",
        "Pon un temporizador de ~ veinte minutos.",
        "Si llueve mañana, | recuérdame llevar ~ mi paraguas.",
        "Cuéntame una historia sobre ~ un zorro y un río.",
        "La reunión es el jueves, | pero no sé ~ a qué hora empieza.",
        "Estoy leyendo un libro | sobre la historia de ~ la antigua Roma.",
        "Cuántas ~ patas tiene una araña?",
        "Crees | que debería tomar el tren ~ o el autobús?",
        "Llama a mi ~ hermana mañana por la noche.",
        "He olvidado el nombre de ~ ese actor.",
        "Qué planeta está ~ más cerca del sol?",
        "Recuérdame regar ~ las plantas el sábado.",
        "Estoy buscando, eh, ~ un regalo para mi padre.",
        "Cuándo sale el ~ próximo tren al aeropuerto?",
        "Mi hermana es enfermera, | y trabaja ~ sobre todo de noche.",
        "Apaga la ~ luz de la cocina.",
        "Después del concierto, | fuimos a un pequeño restaurante ~ cerca de la estación.",
        "El médico me dijo | que bebiera más ~ agua cada día.",
        "Por qué el cielo | se pone rojo ~ por la tarde?",
        "Mi teléfono dejó de funcionar, | y la tienda ~ no puede repararlo.",
    ),
    (
        "Qué hora es?", "Sí, sería estupendo, gracias.", "Sube el volumen.", "No, el otro.", "Buenos días.", "Madrid.",
        "Quizás la semana que viene.", "Dónde está mi teléfono?", "Cuéntame un chiste.", "Eso es todo por hoy.",
    ),
    frozenset({"eh", "pues", "bueno"}),
)  # fmt: skip

ITALIAN = Texts(
    (
        "Puoi dirmi | quanto tempo ci vuole per cuocere un uovo?",
        "Vorrei ~ prenotare un tavolo per due persone stasera.",
        "Qual è la ~ capitale della Svizzera?",
        "Quando torno a casa la sera, | accendi le luci della cucina.",
        "Mio fratello si è trasferito in Portogallo, | e ora vuole che io ~ vada a trovarlo.",
        "Imposta un timer di ~ venti minuti.",
        "Se domani piove, | ricordami di prendere ~ il mio ombrello.",
        "Raccontami una storia su ~ una volpe e un fiume.",
        "La riunione è giovedì, | ma non so ~ a che ora comincia.",
        "Sto leggendo un libro | sulla storia di ~ Roma antica.",
        "Quante ~ zampe ha un ragno?",
        "Pensi | che dovrei prendere il treno ~ o la macchina?",
        "Chiama mia ~ sorella domani sera.",
        "Ho dimenticato il nome di ~ quel film.",
        "Quale pianeta è ~ più vicino al sole?",
        "Ricordami di annaffiare ~ le piante sabato.",
        "Sto cercando, ehm, ~ un regalo per mio padre.",
        "Quando parte il ~ prossimo treno per Milano?",
        "Mia sorella è infermiera, | e lavora ~ soprattutto di notte.",
        "Spegni la ~ luce della cucina.",
        "Dopo il concerto, | siamo andati in un piccolo ristorante ~ vicino alla stazione.",
        "Il medico mi ha detto | di bere più ~ acqua ogni giorno.",
        "Perché il cielo | diventa rosso ~ la sera?",
        "Il mio telefono non funziona più, | e il negozio ~ non può ripararlo.",
    ),
    (
        "Che ore sono?", "Sì, sarebbe bello, grazie.", "Alza il volume.", "No, quello altro.", "Buongiorno.", "Roma.",
        "Forse la settimana prossima.", "Dove è il mio telefono?", "Raccontami una barzelletta.", "Per oggi è tutto.",
    ),
    frozenset({"ehm", "allora", "beh"}),
)  # fmt: skip

PORTUGUESE = Texts(
    (
        "Podes dizer me | quanto tempo demora a cozer um ovo?",
        "Eu gostava de ~ reservar uma mesa para duas pessoas esta noite.",
        "Qual é a ~ capital da Austrália?",
        "Quando eu chegar a casa, | acende as luzes da cozinha.",
        "O meu irmão mudou para Lisboa, | e agora quer que eu ~ vá visitar a cidade.",
        "Põe um temporizador de ~ vinte minutos.",
        "Se chover amanhã, | lembra me de levar ~ o guarda chuva.",
        "Conta me uma história sobre ~ uma raposa e um rio.",
        "A reunião é na quinta, | mas não sei ~ a que horas começa.",
        "Estou a ler um livro | sobre a história da ~ Roma antiga.",
        "Quantas ~ patas tem uma aranha?",
        "Achas | que devo apanhar o comboio ~ ou o autocarro?",
        "Liga à minha ~ irmã amanhã à noite.",
        "Esqueci o nome do ~ actor desse filme.",
        "Que planeta está ~ mais perto do sol?",
        "Lembra me de regar ~ as plantas no sábado.",
        "Estou à procura de, hum, ~ um presente para o meu pai.",
        "Quando parte o ~ próximo comboio para o aeroporto?",
        "A minha irmã é enfermeira, | e trabalha ~ sobretudo de noite.",
        "Apaga a ~ luz da cozinha.",
        "Depois do concerto, | fomos a um pequeno restaurante ~ perto da estação.",
        "O médico disse me | para beber mais ~ água todos os dias.",
        "Porque é que o céu | fica vermelho ~ ao fim da tarde?",
        "O meu telefone deixou de funcionar, | e a loja ~ não o pode reparar.",
    ),
    (
        "Que horas são?", "Sim, seria ótimo, obrigado.", "Aumenta o volume.", "Não, o outro.", "Bom dia.", "Lisboa.",
        "Talvez na próxima semana.", "Onde está o meu telefone?", "Conta me uma piada.", "É tudo por hoje.",
    ),
    frozenset({"hum", "então", "bem"}),
)  # fmt: skip
